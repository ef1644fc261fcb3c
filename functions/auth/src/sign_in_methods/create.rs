//! `POST /v1/auth/accounts`

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::{Actor, Caller, Fresh},
    crypto::one_time_token::OneTimeToken,
    domain::{page::Data, provider::ProviderName, return_to::ReturnTo},
    http::extract::Body,
    store,
};
use utoipa::ToSchema;

use crate::{AuthState, refusals, throttle};

/// The identity provider that I want to sign in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewAccount {
    provider: ProviderName,
    /// The page of the front end to return to.
    return_to: Option<ReturnTo>,
}

/// The beginning of the way to the provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// Open it in the browser. It works once, within ten minutes.
    #[schema(format = "uri", max_length = 4096)]
    authorization_url: String,
}

/// Begin to add an identity provider to my ways to sign in.
///
/// Needs a sign-in within the last ten minutes. The provider sends the browser back with a code; send it to `/v1/auth/oauth/exchange`, with the
/// access token.
#[utoipa::path(
    post, path = "/v1/auth/accounts", tag = "auth", operation_id = "create_account",
    request_body = NewAccount, security(("bearer" = [])),
    responses(
        (status = 201, description = "The URL to open.", body = Data<Authorization>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`no-such-provider`"),
    ),
)]
pub async fn create(
    State(state): State<AuthState>,
    Fresh(caller): Fresh<Caller>,
    Body(new): Body<NewAccount>,
) -> Result<(StatusCode, Json<Data<Authorization>>), ApiError> {
    let config = &state.app.config.sign_in;
    let provider = config.providers.find(new.provider.as_ref()).ok_or(refusals::NO_SUCH_PROVIDER)?;
    throttle::request_of_user(&state, "link", caller.user).await?;
    let (token, return_to) = (OneTimeToken::generate()?, new.return_to.as_ref().map(AsRef::as_ref));
    let prepared = caller.transaction(async |tx| {
        let (name, hash) = (provider.name.as_str(), token.hash());
        Ok(store::oauth_flows::prepare_link(tx, name, caller.user, &hash, return_to).await?)
    });
    prepared.await?;
    let path = format!("/v1/auth/oauth/{}/authorize", provider.name);
    let mut url = config.api_url.join(&path)?;
    url.query_pairs_mut().append_pair("flow", token.reveal());
    Ok((StatusCode::CREATED, Json(Data { data: Authorization { authorization_url: url.into() } })))
}
