//! `POST /v1/auth/recovery-codes`

use axum::{Json, extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::{Actor, Caller, Fresh},
    domain::{audit::Action, page::Data},
    store,
};

use super::{NewCodes, RecoveryCodes};
use crate::{AuthState, password::reauthenticate::lock_proved, refusals, second_factors::mails, throttle};

/// Make new recovery codes.
///
/// Returns ten codes, which are shown once. The old ones stop working.
#[utoipa::path(
    post, path = "/v1/auth/recovery-codes", tag = "auth", operation_id = "create_recovery_codes",
    security(("bearer" = [])),
    responses(
        (status = 201, description = "The codes.", body = Data<RecoveryCodes>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`second-factor-not-found`"),
    ),
)]
pub async fn create(
    State(state): State<AuthState>,
    Fresh(caller): Fresh<Caller>,
) -> Result<(StatusCode, Json<Data<RecoveryCodes>>), ApiError> {
    throttle::request_of_user(&state, "recovery-codes", caller.user).await?;
    let codes = NewCodes::generate(&state, caller.user).await?;
    let user = caller.transaction(async |tx| {
        let user = lock_proved(tx, &caller, None).await?;
        user.second_factor_at.ok_or(refusals::NO_SECOND_FACTOR)?;
        store::recovery_codes::replace(tx, user.id, codes.hashes()).await?;
        caller.audit(tx, Action::RecoveryCodesCreated, user.id).await?;
        Ok(user)
    });
    mails::send_codes_created(&state, &user.await?.mailbox()).await;
    Ok((StatusCode::CREATED, Json(Data { data: codes.reveal() })))
}
