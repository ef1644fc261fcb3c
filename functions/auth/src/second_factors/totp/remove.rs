//! `DELETE /v1/auth/totp`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::{Actor, Caller, Fresh, caller::UNAUTHENTICATED},
    domain::audit::Action,
    store,
};

use crate::{AuthState, password::reauthenticate::lock_proved, refusals, second_factors::mails};

/// Remove my authenticator app.
///
/// A sign-in then needs no second factor. The recovery codes stop working.
#[utoipa::path(
    delete, path = "/v1/auth/totp", tag = "auth", operation_id = "remove_totp", security(("bearer" = [])),
    responses(
        (status = 204, description = "It is removed."),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`totp-not-found`"),
    ),
)]
pub async fn remove(
    State(state): State<AuthState>,
    Fresh(caller): Fresh<Caller>,
) -> Result<StatusCode, ApiError> {
    let user = caller.transaction(async |tx| {
        lock_proved(tx, &caller, None).await?;
        if store::totp_factors::find(tx, caller.user).await?.is_none() {
            return Err(refusals::NO_TOTP.into());
        }
        let user = store::users::remove_second_factors(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
        caller.audit(tx, Action::SecondFactorRemoved, user.id).await?;
        Ok(user)
    });
    mails::send_removed(&state, &user.await?.mailbox()).await;
    Ok(StatusCode::NO_CONTENT)
}
