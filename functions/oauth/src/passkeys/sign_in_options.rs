//! `POST /v1/auth/passkeys/sign-in/options`

use std::time::Duration;

use axum::{Json, extract::State};
use shared::{
    ApiError,
    cache::rate_limit::{Limit, subject},
    crypto::one_time_token::OneTimeToken,
    domain::{actor::RequestInfo, page::Data},
    store,
};

use super::{Ceremony, Kind, count, relying_party::RelyingParty};
use crate::OauthState;

/// Sign-ins that begin at one source. Each adds a row. A page that offers passkeys in its fields begins one at each view.
const PER_SOURCE: Limit = Limit { name: "passkey-sign-ins", max: 500, window: Duration::from_mins(15) };

/// Begin to sign in with a passkey.
///
/// No name is needed: the browser offers the passkeys that it has for this site. Send the credential to `/v1/auth/passkeys/sign-in` within five
/// minutes.
#[utoipa::path(
    post, path = "/v1/auth/passkeys/sign-in/options", tag = "oauth", operation_id = "begin_passkey_sign_in",
    responses((status = 200, description = "The options for `navigator.credentials.get()`.", body = Data<Ceremony>)),
)]
pub async fn begin(
    State(state): State<OauthState>,
    request: RequestInfo,
) -> Result<Json<Data<Ceremony>>, ApiError> {
    count(&state, PER_SOURCE, subject(request.address)).await?;
    let token = OneTimeToken::generate()?;
    let (public_key, kept) = RelyingParty::of(&state)?.begin_sign_in()?;
    let sealed = Kind::SignIn.seal(&state, &token, &kept).await?;
    let begun = state.app.db.transaction(async |tx| {
        Ok(store::passkey_ceremonies::begin(tx, None, &token.hash(), &sealed).await?)
    });
    let expires_at = begun.await?;
    Ok(Json(Data { data: Ceremony { token: token.reveal().to_owned(), public_key, expires_at } }))
}
