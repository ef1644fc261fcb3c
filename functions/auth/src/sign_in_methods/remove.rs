//! `DELETE /v1/auth/accounts/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError, Refusal,
    auth::{Actor, Caller},
    db::Tx,
    domain::{
        audit::Action,
        ids::{IdentityId, PasskeyId},
    },
    http::extract::{OptionalBody, Path},
    store::{self, users::User, verification_tokens::Purpose},
};

use super::{MethodId, MethodPath, SignInMethod, Way, load};
use crate::{
    AuthState, mails,
    password::reauthenticate::{Reauthentication, lock_proved, reauthenticate},
    refusals,
    sign_in::oauth::label,
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
    // The id of a passkey reads like that of an identity.
    let id = String::from(path.id);
    let is_meant = |way| String::from(MethodId(way)) == id;
    remove_way(&state, &caller, proof, refusals::NO_SUCH_ACCOUNT, is_meant).await
}

/// Removes the caller's way to sign in for which `is_meant` is true. If the caller has no such way, refuses with `missing`.
pub async fn remove_way(
    state: &AuthState,
    caller: &Caller,
    proof: Option<Reauthentication>,
    missing: Refusal,
    is_meant: impl Fn(Way) -> bool,
) -> Result<StatusCode, ApiError> {
    let expected_hash = reauthenticate(state, caller, proof).await?;
    let removed = caller.transaction(async |tx| {
        let user = lock_proved(tx, caller, expected_hash.as_deref()).await?;
        let methods = load(tx, state, user.id).await?;
        let way = methods.iter().map(|method| method.id.0).find(|way| is_meant(*way)).ok_or(missing)?;
        require_removable(way, &methods)?;
        // What a stranger who registered the address has set goes with the stranger's session: when its owner signs in by mail.
        if !store::users::is_owner_known(tx, user.id).await? {
            return Err(refusals::ADDRESS_NOT_PROVED.into());
        }
        let removed = match way {
            Way::Identity(id) => Removed::Identity(remove_identity(tx, caller, id).await?),
            Way::Passkey(id) => {
                remove_passkey(tx, caller, id).await?;
                Removed::Passkey
            }
            Way::Password | Way::Email => {
                remove_password(tx, caller, &user).await?;
                Removed::Password
            }
        };
        Ok((user, removed))
    });
    let (user, removed) = removed.await?;
    let mailbox = user.mailbox();
    match removed {
        Removed::Identity(name) => {
            mails::send_identity_changed(state, &mailbox, label(state, &name), false).await;
        }
        Removed::Passkey => mails::send_passkey_removed(state, &mailbox).await,
        Removed::Password => mails::send_password_removed(state, &mailbox).await,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What its user is notified of.
enum Removed {
    Password,
    /// With the name of the provider.
    Identity(String),
    Passkey,
}

async fn remove_passkey(tx: &mut Tx, caller: &Caller, id: PasskeyId) -> Result<(), ApiError> {
    if !store::passkeys::remove(tx, caller.user, id).await? {
        return Err(refusals::NO_SUCH_PASSKEY.into());
    }
    store::sessions::revoke_all(tx, caller.user, Some(caller.session), "passkey_removed").await?;
    caller.audit(tx, Action::PasskeyRemoved, id).await
}

async fn remove_password(tx: &mut Tx, caller: &Caller, user: &User) -> Result<(), ApiError> {
    store::users::remove_password(tx, user.id).await?;
    store::sessions::revoke_all(tx, user.id, Some(caller.session), "password_removed").await?;
    store::verification_tokens::withdraw(tx, user.id, Purpose::REQUESTED).await?;
    caller.audit(tx, Action::PasswordRemoved, user.id).await
}

/// Removes an identity. Returns the name of its provider.
async fn remove_identity(tx: &mut Tx, caller: &Caller, id: IdentityId) -> Result<String, ApiError> {
    let provider = store::identities::remove(tx, caller.user, id).await?;
    let provider = provider.ok_or(refusals::NO_SUCH_ACCOUNT)?;
    store::sessions::revoke_all(tx, caller.user, Some(caller.session), "identity_removed").await?;
    caller.audit(tx, Action::IdentityRemoved, id).await?;
    Ok(provider)
}

/// Refuses to remove the address, and the only way to sign in.
fn require_removable(way: Way, methods: &[SignInMethod]) -> Result<(), Refusal> {
    if methods.len() == 1 {
        return Err(refusals::LAST_ACCOUNT);
    }
    if way == Way::Email { Err(refusals::ADDRESS_NEEDED) } else { Ok(()) }
}
