//! `POST /v1/auth/totp`

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, Fresh},
    domain::{audit::Action, page::Data},
    store,
};
use utoipa::ToSchema;

use crate::{
    AuthState, password::reauthenticate::lock_proved, refusals, second_factors::seed::Seed, throttle,
};

/// What an authenticator app needs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewTotp {
    /// To type into the app.
    #[schema(min_length = 32, max_length = 32, example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// To show as a QR code.
    #[schema(
        max_length = 1024,
        example = "otpauth://totp/Arches:ada%40example.com?secret=GEZDGNBVGY3TQOJQ…"
    )]
    uri: String,
}

/// Begin to add an authenticator app.
///
/// Nothing changes before a code of the app is sent to `/v1/auth/totp/confirm`. A second call makes another secret, and the first one stops
/// working. Needs an address that the caller has proved.
#[utoipa::path(
    post, path = "/v1/auth/totp", tag = "auth", operation_id = "start_totp", security(("bearer" = [])),
    responses(
        (status = 201, description = "The secret. It is shown once.", body = Data<NewTotp>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`address-not-proved`"),
        (status = 409, description = "`totp-exists`"),
    ),
)]
pub async fn start(
    State(state): State<AuthState>,
    Fresh(caller): Fresh<Caller>,
) -> Result<(StatusCode, Json<Data<NewTotp>>), ApiError> {
    throttle::request_of_user(&state, "totp", caller.user).await?;
    let seed = Seed::generate()?;
    let sealed = seed.seal(&state, caller.user).await?;
    let user = caller.transaction(async |tx| {
        let user = lock_proved(tx, &caller, None).await?;
        // A stranger who registered the address of somebody else must not lock that person out.
        if !store::users::is_owner_known(tx, user.id).await? {
            return Err(refusals::ADDRESS_NOT_PROVED.into());
        }
        if !store::totp_factors::start(tx, user.id, &sealed).await? {
            return Err(refusals::TOTP_EXISTS.into());
        }
        caller.audit(tx, Action::SecondFactorStarted, user.id).await?;
        Ok(user)
    });
    let new = NewTotp { secret: seed.secret(), uri: seed.uri(&user.await?.email) };
    Ok((StatusCode::CREATED, Json(Data { data: new })))
}
