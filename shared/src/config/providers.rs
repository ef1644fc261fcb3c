//! `SIGN_IN_PROVIDERS`, `OAUTH_PROVIDERS`, `API_URL`: sign-in with identity providers.

use std::str::FromStr;

use url::Url;

use super::{Setting, section::section};

section! {
    /// Sign-in with identity providers: `docs/operations/providers.md`
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
}
