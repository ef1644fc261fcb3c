//! `POST /v1/auth/passkeys/options`

use std::time::Duration;

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Actor, Caller, Fresh},
    cache::rate_limit::Limit,
    crypto::one_time_token::OneTimeToken,
    domain::page::Data,
    store,
};

use super::{Ceremony, Kind, MAX_PASSKEYS, count, lock_owner, relying_party::RelyingParty};
use crate::{OauthState, refusals};

/// Passkeys that one user begins to add. Each adds a row.
const PER_USER: Limit = Limit { name: "passkey-additions", max: 30, window: Duration::from_mins(15) };

/// Begin to add a passkey.
///
/// Needs a sign-in within the last ten minutes, and an address that the caller has proved. Nothing changes before the credential is sent to
/// `/v1/auth/passkeys`, within five minutes.
#[utoipa::path(
    post, path = "/v1/auth/passkeys/options", tag = "oauth", operation_id = "begin_passkey", security(("bearer" = [])),
    responses(
        (status = 200, description = "The options for `navigator.credentials.create()`.", body = Data<Ceremony>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`address-not-proved`"),
        (status = 409, description = "`too-many-passkeys`"),
    ),
)]
pub async fn begin(
    State(state): State<OauthState>,
    Fresh(caller): Fresh<Caller>,
) -> Result<Json<Data<Ceremony>>, ApiError> {
    count(&state, PER_USER, caller.user.to_string()).await?;
    let token = OneTimeToken::generate()?;
    let begun = caller.transaction(async |tx| {
        let user = lock_owner(tx, &caller).await?;
        let known = store::passkeys::credential_ids(tx, user.id).await?;
        if known.len() >= MAX_PASSKEYS {
            return Err(refusals::TOO_MANY_PASSKEYS.into());
        }
        let (public_key, kept) = RelyingParty::of(&state)?.begin_addition(&user, known)?;
        let sealed = Kind::Addition.seal(&state, &token, &kept).await?;
        let expires_at = store::passkey_ceremonies::begin(tx, Some(user.id), &token.hash(), &sealed).await?;
        Ok(Ceremony { token: token.reveal().to_owned(), public_key, expires_at })
    });
    Ok(Json(Data { data: begun.await? }))
}
