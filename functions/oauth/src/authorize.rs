//! `GET /v1/auth/oauth/{provider}/authorize`

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use serde::Deserialize;
use shared::{
    ApiError,
    cache::rate_limit::{Limit, subject},
    crypto::one_time_token::OneTimeToken,
    domain::{actor::RequestInfo, return_to::ReturnTo},
    http::{
        cookie::FLOW,
        extract::{Path, Query},
    },
    store::oauth_flows::{self, Begun, FLOW_LIFETIME},
};
use utoipa::IntoParams;

use crate::{
    OauthState,
    client::{Outgoing, ProviderError},
    endpoints::{Endpoints, UNAVAILABLE_FOR},
    flow::{FlowSecrets, redirect_url},
    front_end::{Ending, see_other},
    provider::{Provider, ProviderPath},
    refusals,
};

/// Sign-ins that begin at one source. Each adds a row.
const SIGN_INS_PER_SOURCE: Limit =
    Limit { name: "provider-sign-ins", max: 100, window: Duration::from_mins(15) };
/// For the provider's document.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Where the sign-in comes from.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Beginning {
    /// The page of the front end to return to: a path.
    #[param(inline)]
    return_to: Option<ReturnTo>,
    /// The one-time token in the URL from `POST /v1/auth/accounts`, to link an identity.
    #[param(inline)]
    flow: Option<OneTimeToken>,
}

/// Go to an identity provider to sign in.
///
/// Open it in the browser. It sets the cookie `__Host-arches_flow` for ten minutes and leads to the provider, which sends the browser back to
/// `callback`.
#[utoipa::path(
    get, path = "/v1/auth/oauth/{provider}/authorize", tag = "oauth", operation_id = "authorize_provider",
    params(ProviderPath, Beginning),
    responses(
        (status = 303, description = "To the provider. To `/signed-in#error=flow-not-valid` of the front end, if `flow` is used up or expired."),
        (status = 404, description = "`no-such-provider`"),
        (status = 422, description = "`invalid-query`; `errors` names each parameter and the form it must have"),
        (status = 503, description = "`provider-unavailable`"),
    ),
)]
pub async fn authorize(
    State(state): State<OauthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Path(path): Path<ProviderPath>,
    Query(beginning): Query<Beginning>,
) -> Result<Response, ApiError> {
    let provider = Provider::find(&state, &path.provider).await?;
    count(&state, &request).await?;
    let outgoing = Outgoing::new(&state, TIMEOUT);
    let endpoints =
        Endpoints::of(&state, &outgoing, &provider).await.map_err(|error| unavailable(&provider, &error))?;
    let secrets = FlowSecrets::generate(&headers)?;
    if !begin(&state, &provider, &secrets, &beginning).await? {
        return Ok(Ending::NotValid.respond(&state));
    }
    let url = secrets.authorization_url(redirect_url(&state, &provider)?, &provider, &endpoints);
    let mut response = see_other(&url);
    let cookie = FLOW.set(secrets.browser.reveal(), FLOW_LIFETIME.num_seconds());
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// Stores the sign-in, or begins the link with the token in `beginning`. Returns whether it did.
async fn begin(
    state: &OauthState,
    provider: &Provider,
    secrets: &FlowSecrets,
    beginning: &Beginning,
) -> Result<bool, ApiError> {
    let (state_hash, browser_hash) = (secrets.state.hash(), secrets.browser.hash());
    let sealed = secrets.seal(state).await?;
    let begun = Begun { state_hash: &state_hash, browser_hash: &browser_hash, sealed: &sealed };
    let return_to = beginning.return_to.as_ref().map(AsRef::as_ref);
    let stored = state.app.db.transaction(async |tx| match &beginning.flow {
        Some(token) => Ok(oauth_flows::begin_link(tx, &provider.name, &token.hash(), &begun).await?),
        None => Ok(oauth_flows::begin(tx, &provider.name, &begun, return_to).await.map(|()| true)?),
    });
    stored.await
}

async fn count(state: &OauthState, request: &RequestInfo) -> Result<(), ApiError> {
    let limits = [(SIGN_INS_PER_SOURCE, subject(request.address))];
    let (_, reached) = state.app.rate_limiter.take(&limits, state.app.clock.now()).await;
    match reached {
        Some(reached) => Err(refusals::TOO_MANY_SIGN_INS.reached(reached)),
        None => Ok(()),
    }
}

fn unavailable(provider: &Provider, error: &ProviderError) -> ApiError {
    tracing::warn!(provider = provider.name, error = format!("{error:#}"), "identity provider unavailable");
    refusals::PROVIDER_UNAVAILABLE.retry_after(UNAVAILABLE_FOR)
}
