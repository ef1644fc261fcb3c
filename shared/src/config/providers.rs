//! `SIGN_IN_PROVIDERS`, `OAUTH_PROVIDERS`, `API_URL`, `WEBAUTHN_RP_ID`: sign-in with identity providers and passkeys.

use std::str::FromStr;

use url::Url;

use super::{Setting, Web, reader::Reader, section::section};

section! {
    /// Sign-in with identity providers and passkeys: `docs/operations/providers.md`
    pub struct SignIn {
        /// The identity providers that are offered, in the order of their buttons.
        providers: Providers = providers("SIGN_IN_PROVIDERS") {
            used_by: "auth, oauth, system",
            example: "google,github,acme=Acme"
        };
        /// Their client ids and secrets.
        credentials: Setting = setting("OAUTH_PROVIDERS") {
            used_by: "oauth",
            allowed: "a JSON object, by the names of the providers",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/oauth-AbCdEf"
        };
        /// The address of this API, as browsers see it. Providers send the browser back to it.
        api_url: Url = url_or("API_URL", "http://localhost:9000") { used_by: "auth, oauth" };
        /// The domain of passkeys: that of the front end, or one above it. Unset: the host of the first of `CORS_ORIGINS`, or of
        /// `APP_URL`. With another domain, all passkeys stop working.
        rp_id: String = text("WEBAUTHN_RP_ID", "") {
            used_by: "oauth",
            allowed: "the host of one of `CORS_ORIGINS` or of `APP_URL`, or a domain above it",
            example: "localhost"
        };
    }
}

impl SignIn {
    /// Refuses a domain with which browsers let no front end use passkeys.
    pub(super) fn check(&self, web: &Web, reader: &mut Reader<'_>) {
        let domain = &self.rp_id;
        let is_below = |host: &str| domain.contains('.') && host.ends_with(&format!(".{domain}"));
        let fits = |url: &Url| url.host_str().is_some_and(|host| host == domain || is_below(host));
        if !domain.is_empty() && !web.front_ends().iter().any(fits) {
            reader.problem(format!(
                "WEBAUTHN_RP_ID is {domain:?}; allowed: the host of one of CORS_ORIGINS or of APP_URL, or a domain above it"
            ));
        }
    }
}

/// The identity providers that are offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers(Vec<Provider>);

/// An identity provider that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// In paths and in `OAUTH_PROVIDERS`.
    pub name: String,
    /// The text of its button.
    pub label: String,
}

impl Providers {
    /// The form that [`FromStr`] reads.
    pub const FORM: &str = "`google`, `microsoft`, `github`, or `<name>=<label>`, separated by commas; at most 16; a name has 1 to 32 \
                            characters of a-z, 0-9 and -, a label 1 to 64";

    /// Returns them in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }

    /// Returns the provider with this name, if it is offered.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.iter().find(|provider| provider.name == name)
    }
}

/// Checks for a name of 1 to 32 lower-case letters, digits and hyphens.
#[must_use]
pub fn is_provider_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('-')
}

/// Returns the label of a provider that everybody knows.
fn known_label(name: &str) -> Option<&'static str> {
    match name {
        "google" => Some("Google"),
        "microsoft" => Some("Microsoft"),
        "github" => Some("GitHub"),
        _ => None,
    }
}

impl FromStr for Providers {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut providers: Vec<Provider> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (name, label) = match entry.split_once('=') {
                Some((name, label)) => (name.trim(), label.trim()),
                None => (entry, known_label(entry).ok_or(())?),
            };
            let is_label = (1..=64).contains(&label.chars().count()) && !label.contains(char::is_control);
            let is_new = providers.iter().all(|provider| provider.name != name);
            if !is_provider_name(name) || !is_label || !is_new {
                return Err(());
            }
            providers.push(Provider { name: name.to_owned(), label: label.to_owned() });
        }
        if providers.len() <= 16 { Ok(Self(providers)) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};

    #[test]
    fn known_providers_need_no_label() {
        let providers: Providers = " google, acme = Acme Inc. ,github=Git,".parse().expect("providers");
        let labels: Vec<_> = providers.iter().map(|one| (one.name.as_str(), one.label.as_str())).collect();
        assert_eq!(labels, [("google", "Google"), ("acme", "Acme Inc."), ("github", "Git")]);
        assert!(providers.find("acme").is_some() && providers.find("microsoft").is_none());
        assert_eq!("".parse(), Ok(Providers::default()));
    }

    #[test]
    fn other_forms_of_providers_are_refused() {
        let many: Vec<_> = (0..17).map(|n| format!("p{n}=P")).collect();
        for text in
            ["acme", "acme=", "=Acme", "Acme=A", "a_b=A", "-a=A", "google,google", "a/b=A", &many.join(",")]
        {
            assert_eq!(text.parse::<Providers>(), Err(()), "{text}");
        }
    }
    fn with_domain(domain: &str) -> Result<Config, ConfigError> {
        let find = |key: &str| {
            let value = match key {
                "CORS_ORIGINS" => "https://app.example.com,https://admin.example.com:8443",
                "APP_URL" => "https://example.org/account",
                "WEBAUTHN_RP_ID" => domain,
                _ => return None,
            };
            Some(value.to_owned())
        };
        Config::from_lookup(find, &[])
    }

    #[test]
    fn domain_of_passkeys_is_that_of_a_front_end_or_one_above_it() {
        for domain in ["", "app.example.com", "admin.example.com", "example.com", "example.org"] {
            with_domain(domain).expect(domain);
        }
        for domain in [
            "https://example.com",
            "Example.com",
            "other.example.com",
            "le.com",
            "com",
            "example.net",
            "example.com.",
        ] {
            let error = with_domain(domain).expect_err(domain).to_string();
            assert!(error.contains("WEBAUTHN_RP_ID is "), "{error}");
        }
    }
}
