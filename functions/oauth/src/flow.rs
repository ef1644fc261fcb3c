//! A sign-in on its way to a provider: the secrets that bind its answer to the browser and to this request.

use anyhow::Context;
use axum::http::HeaderMap;
use openidconnect::{
    AuthorizationCode, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope,
    core::{CoreAuthenticationFlow, CoreClient, CoreJsonWebKeySet, CoreTokenResponse},
};
use serde::{Deserialize, Serialize};
use shared::{crypto::one_time_token::OneTimeToken, domain::provider::Sealed, http::cookie::FLOW};
use url::Url;

use crate::{
    OauthState,
    client::{Outgoing, ProviderError},
    endpoints::Endpoints,
    provider::{Kind, Provider},
};

/// The length of a [`OneTimeToken`] that was generated.
const TOKEN_LEN: usize = 43;

/// The secrets of a sign-in that begins.
pub struct FlowSecrets {
    /// Comes back with the answer.
    pub state: OneTimeToken,
    /// The cookie of the browser.
    pub browser: OneTimeToken,
    pub kept: Kept,
}

/// The secrets that neither the browser nor the front end sees. They are stored, encrypted.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    /// Proves to the provider that the code is redeemed by the function that asked for it (RFC 7636).
    verifier: String,
    /// Is in the ID token.
    nonce: String,
}

impl FlowSecrets {
    /// Generates secrets. The browser keeps a cookie that it has: so several of its tabs can sign in at the same time.
    pub fn generate(headers: &HeaderMap) -> anyhow::Result<Self> {
        let cookie = FLOW.read(headers).filter(|cookie| cookie.len() == TOKEN_LEN);
        let browser = cookie.and_then(|cookie| OneTimeToken::try_from(cookie).ok());
        let secret = || OneTimeToken::generate().map(|token| token.reveal().to_owned());
        Ok(Self {
            state: OneTimeToken::generate()?,
            browser: browser.map_or_else(OneTimeToken::generate, Ok)?,
            kept: Kept { verifier: secret()?, nonce: secret()? },
        })
    }

    /// Encrypts what is stored.
    pub async fn seal(&self, state: &OauthState) -> anyhow::Result<Vec<u8>> {
        let context = Sealed::Begun.context(&self.state.hash());
        state.app.sealer.seal(&context, serde_json::to_vec(&self.kept)?).await
    }

    /// Returns the URL at the provider.
    pub fn authorization_url(
        &self,
        redirect: RedirectUrl,
        provider: &Provider,
        endpoints: &Endpoints,
    ) -> Url {
        let keys = CoreJsonWebKeySet::default();
        let mut client = CoreClient::new(provider.client_id.clone(), endpoints.issuer.clone(), keys)
            .set_auth_uri(endpoints.authorization.clone())
            .set_redirect_uri(redirect);
        let scopes = if provider.kind == Kind::GitHub {
            client = client.disable_openid_scope();
            ["read:user", "user:email"]
        } else {
            ["profile", "email"]
        };
        let (state, nonce) = (self.state.reveal().to_owned(), self.kept.nonce());
        let verifier = self.kept.verifier();
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || CsrfToken::new(state), || nonce)
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        request.url().0
    }
}

impl Kept {
    /// Decrypts what was stored for the flow whose state has this hash.
    pub async fn open(state: &OauthState, state_hash: &[u8], sealed: &[u8]) -> anyhow::Result<Self> {
        let context = Sealed::Begun.context(state_hash);
        let plain =
            state.app.sealer.open(&context, sealed).await?.context("a flow that cannot be decrypted")?;
        Ok(serde_json::from_slice(&plain)?)
    }

    pub fn nonce(&self) -> Nonce {
        Nonce::new(self.nonce.clone())
    }

    fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.verifier.clone())
    }

    /// Redeems the code of the provider.
    pub async fn redeem(
        &self,
        outgoing: &Outgoing,
        redirect: RedirectUrl,
        provider: &Provider,
        endpoints: &Endpoints,
        code: String,
    ) -> Result<CoreTokenResponse, ProviderError> {
        let keys = CoreJsonWebKeySet::default();
        let mut client = CoreClient::new(provider.client_id.clone(), endpoints.issuer.clone(), keys)
            .set_token_uri(endpoints.token.clone())
            .set_redirect_uri(redirect)
            .set_auth_type(endpoints.auth_type.clone());
        if let Some(secret) = &provider.client_secret {
            client = client.set_client_secret(secret.clone());
        }
        let request = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(self.verifier());
        request.request_async(outgoing).await.map_err(|error| match error {
            RequestTokenError::Request(error) => error.into(),
            RequestTokenError::ServerResponse(answer) => {
                ProviderError::invalid(format!("token endpoint: {}", answer.error()))
            }
            // The error of the parser may repeat the text.
            RequestTokenError::Parse(..) => ProviderError::invalid("token endpoint: another JSON"),
            RequestTokenError::Other(why) => ProviderError::invalid(format!("token endpoint: {why}")),
        })
    }
}

/// Returns the URL to which the provider sends the browser back. It is registered there.
pub fn redirect_url(state: &OauthState, provider: &Provider) -> anyhow::Result<RedirectUrl> {
    let url = state.app.config.sign_in.api_url.join(&format!("/v1/auth/oauth/{}/callback", provider.name))?;
    Ok(RedirectUrl::from_url(url))
}
