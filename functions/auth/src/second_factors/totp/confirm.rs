//! `POST /v1/auth/totp/confirm`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, Fresh, caller::UNAUTHENTICATED},
    db::Tx,
    domain::{audit::Action, factor::Factor, page::Data},
    http::extract::Body,
    store::{self, users::User},
};
use utoipa::ToSchema;

use crate::{
    AuthState,
    password::reauthenticate::lock_proved,
    refusals,
    second_factors::{
        attempt, mails,
        recovery_codes::{NewCodes, RecoveryCodes},
        seed::Seed,
    },
};

/// A code of the app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// Six digits.
    #[schema(min_length = 1, max_length = 16, example = "123456")]
    code: String,
}

/// Confirm the authenticator app with one of its codes.
///
/// From now on, a sign-in needs a code of the app. Ends all other sessions, and returns ten recovery codes, which are shown once.
#[utoipa::path(
    post, path = "/v1/auth/totp/confirm", tag = "auth", operation_id = "confirm_totp",
    request_body = TotpCode, security(("bearer" = [])),
    responses(
        (status = 200, description = "The recovery codes.", body = Data<RecoveryCodes>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`wrong-code`"),
        (status = 409, description = "`totp-exists` or `totp-not-started`"),
    ),
)]
pub async fn confirm(
    State(state): State<AuthState>,
    Fresh(caller): Fresh<Caller>,
    Body(proof): Body<TotpCode>,
) -> Result<Json<Data<RecoveryCodes>>, ApiError> {
    let attempt = attempt(&state, caller.user, caller.session).await?;
    let (sealed, step) = match check(&state, &caller, &proof.code).await {
        Ok(checked) => checked,
        Err(error) => {
            if !refusals::WRONG_CODE.is(&error) {
                attempt.take_back(&state).await;
            }
            return Err(error);
        }
    };
    attempt.succeed(&state).await;
    let codes = NewCodes::generate(&state, caller.user).await?;
    let user = caller.transaction(async |tx| {
        lock_proved(tx, &caller, None).await?;
        if !store::totp_factors::confirm(tx, caller.user, &sealed, step).await? {
            return Err(refusals::WRONG_CODE.into());
        }
        require_from_now(tx, &caller, &codes).await
    });
    mails::send_added(&state, &user.await?.mailbox()).await;
    Ok(Json(Data { data: codes.reveal() }))
}

/// Returns the encrypted seed of the app that waits, and the step of `code`.
async fn check(state: &AuthState, caller: &Caller, code: &str) -> Result<(Vec<u8>, i64), ApiError> {
    let app = caller.read(async |tx| Ok(store::totp_factors::find(tx, caller.user).await?)).await?;
    let app = app.ok_or(refusals::TOTP_NOT_STARTED)?;
    if app.confirmed {
        return Err(refusals::TOTP_EXISTS.into());
    }
    let seed = Seed::open(state, caller.user, &app.sealed).await?;
    let step = seed.step_of(code, state.app.clock.now())?.ok_or(refusals::WRONG_CODE)?;
    Ok((app.sealed, step))
}

/// Lets every sign-in ask for a second factor, and ends the sessions that were opened without one.
async fn require_from_now(tx: &mut Tx, caller: &Caller, codes: &NewCodes) -> Result<User, ApiError> {
    let user = store::users::require_second_factor(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
    store::recovery_codes::replace(tx, user.id, codes.hashes()).await?;
    store::sessions::revoke_all(tx, user.id, Some(caller.session), "second_factor_added").await?;
    if !store::sessions::add_factor(tx, user.id, caller.session, Factor::Totp).await? {
        return Err(UNAUTHENTICATED.into());
    }
    caller.audit(tx, Action::SecondFactorAdded, user.id).await?;
    Ok(user)
}
