//! `DELETE /v1/auth/accounts/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::{Caller, caller::UNAUTHENTICATED},
    extract::{OptionalBody, Path},
    http::RequestInfo,
    store::{self, verification_tokens::Purpose},
};

use super::{Account, Method};
use crate::{
    AuthState,
    reauthenticate::{Reauthentication, reauthenticate},
    refusals,
};

/// Remove a way in which I can sign in.
///
/// The last one stays. A password that was removed comes back with `/v1/auth/forgot-password`.
#[utoipa::path(
    delete, path = "/v1/auth/accounts/{id}", tag = "auth", operation_id = "remove_account",
    params(("id" = Method, Path, description = "Which one.")), request_body(content = Option<Reauthentication>),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It signs in no longer."),
        (status = 403, description = "`wrong-password` or `reauthentication-required`"),
        (status = 404, description = "`account-not-found`"),
        (status = 409, description = "`last-account` or `address-needed`"),
    ),
)]
pub async fn remove(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
    Path(id): Path<Method>,
    OptionalBody(proof): OptionalBody<Reauthentication>,
) -> Result<StatusCode, ApiError> {
    reauthenticate(&state, &caller, proof, &request).await?;
    let now = state.app.clock.now();
    state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let user = store::users::hold(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
            let has_password = store::users::password_hash(tx, caller.user).await?.is_some();
            let accounts = Account::all_of(&user, has_password);
            if accounts.iter().all(|account| account.id != id) {
                return Err(refusals::NO_SUCH_ACCOUNT.into());
            }
            if accounts.len() == 1 {
                return Err(refusals::LAST_ACCOUNT.into());
            }
            if id == Method::Email {
                return Err(refusals::ADDRESS_NEEDED.into());
            }
            store::users::set_password(tx, caller.user, None, now).await?;
            store::verification_tokens::withdraw(tx, caller.user, Purpose::ALL, now).await?;
            let event = Event::new(Action::PasswordRemoved, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
