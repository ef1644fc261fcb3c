//! The identity providers of `OAUTH_PROVIDERS`.

use std::collections::BTreeMap;

use anyhow::Context;
use openidconnect::{ClientId, ClientSecret};
use serde::Deserialize;
use shared::{ApiError, domain::provider::ProviderName};
use url::Url;
use utoipa::IntoParams;

use crate::{OauthState, refusals};

const GOOGLE: &str = "https://accounts.google.com";
const MICROSOFT: &str = "https://login.microsoftonline.com/common/v2.0";
/// The hosts of its issuers, also of those of its national clouds.
const MICROSOFT_HOSTS: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "sts.windows.net",
];
const GITHUB: &str = "https://github.com";
const GITHUB_API: &str = "https://api.github.com";

/// The path of a provider.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProviderPath {
    /// The name of the provider, as in `/v1/config`.
    #[param(inline)]
    pub provider: ProviderName,
}

/// How a provider says who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By an ID token (OpenID Connect Core 1.0).
    OpenId,
    /// By an ID token whose issuer contains the tenant, and whose address anybody may have chosen.
    Microsoft,
    /// By its own API. It has no ID tokens.
    GitHub,
}

/// An identity provider.
#[derive(Debug)]
pub struct Provider {
    pub name: String,
    pub kind: Kind,
    pub issuer: String,
    pub client_id: ClientId,
    /// `None` for a public client.
    pub client_secret: Option<ClientSecret>,
    /// The API of GitHub.
    pub api: Url,
}

/// A provider in the setting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Entry {
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    issuer: Option<String>,
    kind: Option<Kind>,
    api_url: Option<Url>,
}

impl Provider {
    /// Returns the provider with this name, if it is offered.
    pub async fn find(state: &OauthState, name: &ProviderName) -> Result<Self, ApiError> {
        let (config, name) = (&state.app.config.sign_in, name.as_ref());
        if config.providers.find(name).is_none() {
            return Err(refusals::NO_SUCH_PROVIDER.into());
        }
        let credentials = state.app.secrets.get(&config.credentials).await?;
        Ok(Self::parse(name, &credentials)?)
    }

    /// Reads the provider `name` from the setting. An error does not repeat a value.
    fn parse(name: &str, credentials: &str) -> anyhow::Result<Self> {
        let mut entries: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(credentials).ok().context("OAUTH_PROVIDERS is not a JSON object")?;
        let entry = entries.remove(name).with_context(|| format!("OAUTH_PROVIDERS has no {name}"))?;
        let entry: Entry = serde_json::from_value(entry).ok().with_context(|| {
            format!("OAUTH_PROVIDERS, {name}: allowed are clientId, clientSecret, issuer, kind and apiUrl")
        })?;
        let (kind, known) = match name {
            "google" => (Kind::OpenId, Some(GOOGLE)),
            "microsoft" => (Kind::Microsoft, Some(MICROSOFT)),
            "github" => (Kind::GitHub, Some(GITHUB)),
            _ => (Kind::OpenId, None),
        };
        let issuer = entry.issuer.or(known.map(str::to_owned));
        let issuer = issuer.with_context(|| format!("OAUTH_PROVIDERS, {name}: issuer is missing"))?;
        // Whatever the setting says: it must not vouch for addresses that anybody may have chosen.
        let kind = if is_microsoft(&issuer) { Kind::Microsoft } else { entry.kind.unwrap_or(kind) };
        Ok(Self {
            name: name.to_owned(),
            kind,
            issuer,
            client_id: entry.client_id,
            client_secret: entry.client_secret,
            api: entry.api_url.map_or_else(|| Url::parse(GITHUB_API), Ok)?,
        })
    }
}

/// Checks whether the tenants of Microsoft issue the tokens, whatever the name of the provider.
fn is_microsoft(issuer: &str) -> bool {
    let url = Url::parse(issuer).ok();
    url.as_ref().and_then(Url::host_str).is_some_and(|host| MICROSOFT_HOSTS.contains(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(name: &str, entry: &str) -> anyhow::Result<Provider> {
        Provider::parse(name, &format!(r#"{{"{name}":{entry}}}"#))
    }

    #[test]
    fn known_providers_need_no_issuer() {
        let entry = r#"{"clientId":"a","clientSecret":"b"}"#;
        for (name, kind, issuer) in [
            ("google", Kind::OpenId, GOOGLE),
            ("microsoft", Kind::Microsoft, MICROSOFT),
            ("github", Kind::GitHub, GITHUB),
        ] {
            let provider = provider(name, entry).expect("a provider");
            assert_eq!((provider.kind, provider.issuer.as_str()), (kind, issuer));
        }
        assert!(provider("acme", entry).is_err());
    }

    #[test]
    fn tenant_of_microsoft_is_microsoft_under_every_name() {
        for host in MICROSOFT_HOSTS {
            for more in ["", r#","kind":"openid""#] {
                let entry = format!(r#"{{"clientId":"a","issuer":"https://{host}/b1/v2.0"{more}}}"#);
                assert_eq!(provider("acme", &entry).expect("a provider").kind, Kind::Microsoft, "{entry}");
            }
        }
        let other = r#"{"clientId":"a","issuer":"https://login.acme.example/login.microsoftonline.com"}"#;
        assert_eq!(provider("acme", other).expect("a provider").kind, Kind::OpenId);
    }

    #[test]
    fn errors_name_the_provider_and_repeat_no_secret() {
        for entry in [
            r#"{"clientId":"a","clientSecret":"hunter2","extra":1}"#,
            r#""hunter2""#,
            r#"{"clientSecret":"hunter2"}"#,
        ] {
            let error = format!("{:#}", provider("acme", entry).expect_err("no provider"));
            assert!(error.contains("acme") && !error.contains("hunter2"), "{error}");
        }
        let error = Provider::parse("acme", "hunter2").expect_err("no JSON").to_string();
        assert_eq!(error, "OAUTH_PROVIDERS is not a JSON object");
    }
}
