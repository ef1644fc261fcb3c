//! `GET /v1/auth/oauth/{provider}/callback`

use std::time::Duration;

use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use metrics::counter;
use openidconnect::OAuth2TokenResponse;
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    domain::{
        ids::OauthFlowId,
        provider::{ProviderIdentity, Sealed},
    },
    http::{cookie::FLOW, extract::Path},
    store::oauth_flows,
};
use url::form_urlencoded;
use utoipa::IntoParams;

use crate::{
    OauthState,
    client::{Outgoing, ProviderError},
    endpoints::Endpoints,
    flow::{Kept, redirect_url},
    front_end::Ending,
    github, id_token,
    provider::{Kind, Provider, ProviderPath},
};

/// For the document, the tokens, the keys, and the addresses.
const TIMEOUT: Duration = Duration::from_secs(8);

/// The answer of the provider (RFC 6749, 4.1.2). Providers add parameters of their own.
#[derive(Debug, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallbackQuery {
    /// The state of the request.
    #[param(max_length = 256)]
    state: Option<String>,
    /// The authorization code.
    #[param(max_length = 4096)]
    code: Option<String>,
    /// The issuer of the answer (RFC 9207).
    #[param(max_length = 2048)]
    iss: Option<String>,
    /// The reason for which there is no code.
    #[param(max_length = 256)]
    error: Option<String>,
}

/// Come back from an identity provider.
///
/// For the provider. Leads to `/signed-in` of the front end: with `#code=…`, which `POST /v1/auth/oauth/exchange` takes for 60 seconds, and
/// `returnTo`; or with `#error=…`: `sign-in-cancelled`, `flow-not-valid`, `provider-answer-not-valid`, `provider-unavailable` or `unavailable`.
#[utoipa::path(
    get, path = "/v1/auth/oauth/{provider}/callback", tag = "oauth", operation_id = "provider_callback",
    params(ProviderPath, CallbackQuery),
    responses((status = 303, description = "To the front end, also after an error.")),
)]
pub async fn callback(
    State(state): State<OauthState>,
    headers: HeaderMap,
    Path(path): Path<ProviderPath>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = CallbackQuery::parse(query.as_deref().unwrap_or_default());
    let ending = finish(&state, &headers, &path, query).await.unwrap_or_else(|error| {
        // The browser shows what this responds, so a failure is no JSON either.
        match error {
            ApiError::Refused(_) => Ending::NotValid,
            ApiError::Failed(error) => {
                tracing::error!(error = format!("{error:#}"), "sign-in with provider failed");
                Ending::Unavailable
            }
        }
    });
    counter!("ProviderSignIns", "outcome" => ending.error().unwrap_or("arrived")).increment(1);
    ending.respond(&state)
}

impl CallbackQuery {
    /// Reads the parameters. A parameter that is there twice makes the whole query empty (RFC 6749, 3.1).
    fn parse(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut read.state,
                "code" => &mut read.code,
                "iss" => &mut read.iss,
                "error" => &mut read.error,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Self::default();
            }
        }
        read
    }
}

/// A flow that this request has used up.
struct Flow {
    id: OauthFlowId,
    state_hash: Vec<u8>,
    kept: Kept,
    return_to: Option<String>,
}

/// Uses up the flow, and asks the provider who the user is.
async fn finish(
    state: &OauthState,
    headers: &HeaderMap,
    path: &ProviderPath,
    query: CallbackQuery,
) -> Result<Ending, ApiError> {
    let provider = Provider::find(state, &path.provider).await?;
    let Some(flow) = consume(state, headers, &provider, &query).await? else { return Ok(Ending::NotValid) };
    if let Some(error) = &query.error {
        let is_cancelled = matches!(error.as_str(), "access_denied" | "consent_required" | "login_required");
        return Ok(if is_cancelled { Ending::Cancelled } else { Ending::AnswerNotValid });
    }
    match identify(state, &provider, &flow, query).await {
        Ok(identity) => arrive(state, flow, &identity).await,
        Err(error) => {
            tracing::warn!(provider = provider.name, error = format!("{error:#}"), "identity not confirmed");
            Ok(match error {
                ProviderError::Unavailable(_) => Ending::ProviderUnavailable,
                ProviderError::Invalid(_) => Ending::AnswerNotValid,
            })
        }
    }
}

/// Uses up the flow of this browser and of this provider. Returns `None` if this browser has begun no such flow.
async fn consume(
    state: &OauthState,
    headers: &HeaderMap,
    provider: &Provider,
    query: &CallbackQuery,
) -> Result<Option<Flow>, ApiError> {
    let hash = |text: String| OneTimeToken::try_from(text).ok().map(|token| token.hash());
    let state_hash = query.state.clone().and_then(hash);
    let Some((state_hash, browser_hash)) = state_hash.zip(FLOW.read(headers).and_then(hash)) else {
        return Ok(None);
    };
    let consumed = state.app.db.transaction(async |tx| {
        Ok(oauth_flows::consume(tx, &provider.name, &state_hash, &browser_hash).await?)
    });
    let Some(consumed) = consumed.await? else { return Ok(None) };
    let sealed = consumed.sealed.unwrap_or_default();
    let kept = Kept::open(state, &state_hash, &sealed).await?;
    Ok(Some(Flow { id: consumed.id, state_hash, kept, return_to: consumed.return_to }))
}

/// Redeems the code of the provider, and returns who the user is there.
async fn identify(
    state: &OauthState,
    provider: &Provider,
    flow: &Flow,
    query: CallbackQuery,
) -> Result<ProviderIdentity, ProviderError> {
    let outgoing = Outgoing::new(state, TIMEOUT);
    let endpoints = Endpoints::of(state, &outgoing, provider).await?;
    match &query.iss {
        Some(issuer) if *issuer != *endpoints.issuer => {
            return Err(ProviderError::invalid("sent by another issuer"));
        }
        None if endpoints.sends_issuer => return Err(ProviderError::invalid("the issuer is missing")),
        _ => {}
    }
    let code = query.code.ok_or_else(|| ProviderError::invalid("no code"))?;
    let redirect = redirect_url(state, provider).map_err(ProviderError::Invalid)?;
    let tokens = flow.kept.redeem(&outgoing, redirect, provider, &endpoints, code).await?;
    match provider.kind {
        Kind::GitHub => github::identify(&outgoing, provider, tokens.access_token()).await,
        Kind::OpenId | Kind::Microsoft => {
            id_token::identify(state, &outgoing, provider, &endpoints, &tokens, &flow.kept.nonce()).await
        }
    }
}

/// Stores the identity for `auth`, and makes the code for it.
async fn arrive(state: &OauthState, flow: Flow, identity: &ProviderIdentity) -> Result<Ending, ApiError> {
    let code = OneTimeToken::generate()?;
    let context = Sealed::Identity.context(&flow.state_hash);
    let sealed = state.app.sealer.seal(&context, serde_json::to_vec(identity)?).await?;
    let arrive = state
        .app
        .db
        .transaction(async |tx| Ok(oauth_flows::arrive(tx, flow.id, &sealed, &code.hash()).await?));
    arrive.await?;
    Ok(Ending::Arrived { code, return_to: flow.return_to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_that_is_there_twice_is_none() {
        let read = CallbackQuery::parse("code=a&state=b&scope=openid&iss=https%3A%2F%2Fa.example");
        assert_eq!((read.code.as_deref(), read.state.as_deref()), (Some("a"), Some("b")));
        assert_eq!(read.iss.as_deref(), Some("https://a.example"));
        for query in ["code=a&state=b&code=c", "state=a&state=a&code=b", "", "code", "%"] {
            let read = CallbackQuery::parse(query);
            assert!(read.state.is_none() || read.code.is_none(), "{query}");
        }
    }
}
