//! `DELETE /v1/auth/accounts/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError, Refusal,
    auth::{Actor, Caller},
    domain::audit::Action,
    http::extract::{OptionalBody, Path},
    store::{self, verification_tokens::Purpose},
};

use super::{Method, MethodPath, SignInMethod, load};
use crate::{
    AuthState, mails,
    password::reauthenticate::{Reauthentication, lock_proved, reauthenticate},
    refusals,
};

/// Remove one of my ways to sign in.
///
/// Ends all other sessions. The last way to sign in cannot be removed. To set a removed password again, use `/v1/auth/forgot-password`.
#[utoipa::path(
    delete, path = "/v1/auth/accounts/{id}", tag = "auth", operation_id = "remove_account",
    params(MethodPath), request_body(content = Option<Reauthentication>),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It is removed."),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`wrong-password`, `second-factor-needed` or `address-not-proved`"),
        (status = 404, description = "`account-not-found`"),
        (status = 409, description = "`last-account` or `address-needed`"),
    ),
)]
pub async fn remove(
    State(state): State<AuthState>,
    caller: Caller,
    Path(path): Path<MethodPath>,
    OptionalBody(proof): OptionalBody<Reauthentication>,
) -> Result<StatusCode, ApiError> {
    let expected_hash = reauthenticate(&state, &caller, proof).await?;
    let user = caller.transaction(async |tx| {
        let user = lock_proved(tx, &caller, expected_hash.as_deref()).await?;
        require_removable(path.id, &load(tx, user.id).await?)?;
        // The password of a stranger who registered the address goes with the stranger's session: when its owner signs in by mail.
        if !store::users::is_owner_known(tx, user.id).await? {
            return Err(refusals::ADDRESS_NOT_PROVED.into());
        }
        store::users::remove_password(tx, user.id).await?;
        store::sessions::revoke_all(tx, user.id, Some(caller.session), "password_removed").await?;
        store::verification_tokens::withdraw(tx, user.id, Purpose::REQUESTED).await?;
        caller.audit(tx, Action::PasswordRemoved, user.id).await?;
        Ok(user)
    });
    mails::send_password_removed(&state, &user.await?.mailbox()).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses to remove anything but a password, and a password that is the only way to sign in.
fn require_removable(id: Method, methods: &[SignInMethod]) -> Result<(), Refusal> {
    if methods.iter().all(|method| method.id != id) {
        return Err(refusals::NO_SUCH_ACCOUNT);
    }
    if methods.len() == 1 {
        return Err(refusals::LAST_ACCOUNT);
    }
    if id == Method::Email { Err(refusals::ADDRESS_NEEDED) } else { Ok(()) }
}
