//! `DELETE /v1/auth/passkeys/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::Caller,
    http::extract::{OptionalBody, Path},
};

use super::PasskeyPath;
use crate::{
    AuthState,
    password::reauthenticate::Reauthentication,
    refusals,
    sign_in_methods::{Way, remove::remove_way},
};

/// Remove one of my passkeys.
///
/// The same as to remove it from my ways to sign in: ends all other sessions. The last way to sign in cannot be removed.
#[utoipa::path(
    delete, path = "/v1/auth/passkeys/{id}", tag = "auth", operation_id = "remove_passkey",
    params(PasskeyPath), request_body(content = Option<Reauthentication>),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It is removed."),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`wrong-password`, `second-factor-needed` or `address-not-proved`"),
        (status = 404, description = "`passkey-not-found`"),
        (status = 409, description = "`last-account`"),
    ),
)]
pub async fn remove(
    State(state): State<AuthState>,
    caller: Caller,
    Path(path): Path<PasskeyPath>,
    OptionalBody(proof): OptionalBody<Reauthentication>,
) -> Result<StatusCode, ApiError> {
    let way = Way::Passkey(path.id);
    remove_way(&state, &caller, proof, refusals::NO_SUCH_PASSKEY, |method| method == way).await
}
