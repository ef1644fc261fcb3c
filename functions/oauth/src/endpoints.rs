//! What a provider publishes about itself (OpenID Connect Discovery 1.0): its endpoints and its keys. Each instance keeps them for an hour.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AuthType, AuthUrl, IssuerUrl, JsonWebKeySetUrl, TokenUrl,
    core::{CoreClientAuthMethod, CoreJsonWebKeySet, CoreProviderMetadata},
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    OauthState,
    client::{Outgoing, ProviderError},
    provider::{Kind, Provider},
};

const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// After a failure. A provider that hangs holds an instance once in this time, and other providers can use it.
pub const UNAVAILABLE_FOR: Duration = Duration::from_secs(10);
/// The minimum time between two reads of one key set: a flood of tokens with unknown keys causes no flood of calls.
const MIN_REFRESH_INTERVAL: TimeDelta = TimeDelta::seconds(10);
/// In the issuer of Microsoft's tenants.
const TENANT: &str = "{tenantid}";

/// Where a provider is asked.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The issuer of its ID tokens, and how it names itself in an answer (RFC 9207).
    pub issuer: IssuerUrl,
    pub authorization: AuthUrl,
    pub token: TokenUrl,
    /// `None` if it has no ID tokens.
    keys: Option<JsonWebKeySetUrl>,
    /// How the client shows its secret.
    pub auth_type: AuthType,
    /// Whether it says in every answer who it is (RFC 9207).
    pub sends_issuer: bool,
}

/// What the library does not read.
#[derive(Deserialize)]
struct MoreMetadata {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What this instance knows about the providers, by their issuers.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<Mutex<HashMap<String, Facts>>>);

#[derive(Debug, Default)]
struct Facts {
    /// When they were read; `None`: when that failed.
    endpoints: Option<(DateTime<Utc>, Option<Endpoints>)>,
    keys: Option<(DateTime<Utc>, CoreJsonWebKeySet)>,
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Facts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the endpoints, or that they could not be read a moment ago.
    fn endpoints(&self, issuer: &str, now: DateTime<Utc>) -> Option<Result<Endpoints, ProviderError>> {
        let known = self.lock();
        let (read_at, endpoints) = known.get(issuer)?.endpoints.as_ref()?;
        let is_known = match endpoints {
            Some(_) => now - *read_at < LIFETIME,
            None => (now - *read_at).to_std().is_ok_and(|age| age < UNAVAILABLE_FOR),
        };
        let failed = || ProviderError::Unavailable(anyhow!("it failed a moment ago"));
        is_known.then(|| endpoints.clone().ok_or_else(failed))
    }

    /// Returns the keys; `renew`: only those that were just read.
    fn keys(&self, issuer: &str, renew: bool, now: DateTime<Utc>) -> Option<CoreJsonWebKeySet> {
        let known = self.lock();
        let (read_at, keys) = known.get(issuer)?.keys.as_ref()?;
        let lifetime = if renew { MIN_REFRESH_INTERVAL } else { LIFETIME };
        (now - *read_at < lifetime).then(|| keys.clone())
    }
}

impl Endpoints {
    /// Returns the endpoints of `provider`.
    pub async fn of(
        state: &OauthState,
        outgoing: &Outgoing,
        provider: &Provider,
    ) -> Result<Self, ProviderError> {
        if provider.kind == Kind::GitHub {
            return Self::of_github(provider).map_err(ProviderError::Invalid);
        }
        let (issuer, now) = (&provider.issuer, state.app.clock.now());
        if let Some(endpoints) = state.known.endpoints(issuer, now) {
            return endpoints;
        }
        let endpoints = Self::discover(outgoing, provider).await;
        let known = endpoints.as_ref().ok().cloned();
        state.known.lock().entry(issuer.clone()).or_default().endpoints = Some((now, known));
        endpoints
    }

    /// Reads the provider's document.
    async fn discover(outgoing: &Outgoing, provider: &Provider) -> Result<Self, ProviderError> {
        let invalid = |why: &str| ProviderError::invalid(format!("discovery: {why}"));
        let document = format!("{}/.well-known/openid-configuration", provider.issuer.trim_end_matches('/'));
        let url = Url::parse(&document).map_err(|_| invalid("the issuer is not a URL"))?;
        let document: Value = outgoing.json(&url, &[("accept", "application/json")]).await?;
        let more = MoreMetadata::deserialize(&document).map_err(|_| invalid("not understood"))?;
        let metadata = CoreProviderMetadata::deserialize(document).map_err(|_| invalid("not understood"))?;
        if !is_expected(provider, metadata.issuer()) {
            return Err(invalid("another issuer"));
        }
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes_basic = methods.is_none_or(|all| all.contains(&CoreClientAuthMethod::ClientSecretBasic));
        Ok(Self {
            issuer: metadata.issuer().clone(),
            authorization: metadata.authorization_endpoint().clone(),
            token: metadata.token_endpoint().cloned().ok_or_else(|| invalid("no token endpoint"))?,
            keys: Some(metadata.jwks_uri().clone()),
            auth_type: if takes_basic { AuthType::BasicAuth } else { AuthType::RequestBody },
            sends_issuer: more.authorization_response_iss_parameter_supported,
        })
    }

    /// GitHub publishes no document.
    fn of_github(provider: &Provider) -> anyhow::Result<Self> {
        let site = provider.issuer.trim_end_matches('/');
        Ok(Self {
            // Its answers name this one (docs.github.com, "GitHub authentication discovery endpoints"). Not all do.
            issuer: IssuerUrl::new(format!("{site}/login/oauth"))?,
            authorization: AuthUrl::new(format!("{site}/login/oauth/authorize"))?,
            token: TokenUrl::new(format!("{site}/login/oauth/access_token"))?,
            keys: None,
            auth_type: AuthType::RequestBody,
            sends_issuer: false,
        })
    }

    /// Returns the keys with which the provider signs; `renew`, because a token has an unknown one.
    pub async fn keys(
        &self,
        state: &OauthState,
        outgoing: &Outgoing,
        provider: &Provider,
        renew: bool,
    ) -> Result<CoreJsonWebKeySet, ProviderError> {
        let (issuer, now) = (&provider.issuer, state.app.clock.now());
        if let Some(keys) = state.known.keys(issuer, renew, now) {
            return Ok(keys);
        }
        let url = self.keys.as_ref().ok_or_else(|| ProviderError::invalid("no keys"))?;
        let keys: CoreJsonWebKeySet = outgoing.json(url.url(), &[("accept", "application/json")]).await?;
        state.known.lock().entry(issuer.clone()).or_default().keys = Some((now, keys.clone()));
        Ok(keys)
    }

    /// Returns the issuer that an ID token must have. That of Microsoft contains the tenant, which the token names.
    pub fn issuer_for(&self, tenant: Option<&str>) -> Result<IssuerUrl, ProviderError> {
        if !self.issuer.as_str().contains(TENANT) {
            return Ok(self.issuer.clone());
        }
        let tenant =
            tenant.filter(|tenant| uuid::Uuid::parse_str(tenant).is_ok_and(|id| id.to_string() == **tenant));
        let tenant = tenant.ok_or_else(|| ProviderError::invalid("no tenant"))?;
        let issuer = IssuerUrl::new(self.issuer.as_str().replace(TENANT, tenant));
        issuer.map_err(|error| ProviderError::Invalid(error.into()))
    }
}

/// Checks that the document is about the configured issuer. Microsoft's document for all tenants has a placeholder in its issuer.
fn is_expected(provider: &Provider, issuer: &IssuerUrl) -> bool {
    if issuer.as_str() == provider.issuer {
        return true;
    }
    let site = |url: &str| Url::parse(url).map(|url| url.origin());
    provider.kind == Kind::Microsoft
        && issuer.as_str().contains(TENANT)
        && matches!((site(issuer.as_str()), site(&provider.issuer)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use openidconnect::ClientId;

    use super::*;

    #[test]
    fn github_names_itself_by_the_path_of_its_oauth() {
        for issuer in ["https://github.com", "https://github.example/"] {
            let provider = Provider {
                name: "github".to_owned(),
                kind: Kind::GitHub,
                issuer: issuer.to_owned(),
                client_id: ClientId::new("client".to_owned()),
                client_secret: None,
                api: "https://api.github.com".parse().expect("a URL"),
            };
            let endpoints = Endpoints::of_github(&provider).expect("endpoints");
            let own = format!("{}/login/oauth", issuer.trim_end_matches('/'));
            assert_eq!((endpoints.issuer.as_str(), endpoints.sends_issuer), (own.as_str(), false));
        }
    }
}
