//! A system administrator. A handler that takes [`Administrator`] cannot be reached by anyone else.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use uuid::Uuid;

use super::{Actor, Caller, SignedIn, caller::UNAUTHENTICATED};
use crate::{
    ApiError, AppState, Refusal,
    db::Tx,
    domain::{audit::Action, changes::ChangedFields, ids::UserId},
    store::{self, users::User},
};

/// Returned to every other caller.
pub const ADMINISTRATOR_NEEDED: Refusal =
    Refusal::forbidden("administrator-needed", "Only administrators of the system may do this.");

/// A system administrator with a live session.
pub struct Administrator {
    pub caller: Caller,
}

impl Administrator {
    /// Locks the administrator and `target` until the transaction ends, and loads `target`, deleted or not. Checks again that the caller
    /// is an administrator: of two administrators who dismiss each other, the second is refused.
    pub async fn lock(&self, tx: &mut Tx, target: UserId) -> Result<Option<User>, ApiError> {
        let locked = store::users::lock_pair(tx, self.caller.user, target).await?;
        let own = locked.iter().find(|user| user.id == self.caller.user);
        if own.is_none_or(|own| !own.system_administrator || !own.is_active()) {
            return Err(ADMINISTRATOR_NEEDED.into());
        }
        Ok(locked.into_iter().find(|user| user.id == target))
    }

    /// Records that the administrator did `action` to `target`.
    pub async fn audit(&self, tx: &mut Tx, action: Action, target: impl Into<Uuid>) -> Result<(), ApiError> {
        self.caller.audit(tx, action, target).await
    }

    /// Records that the administrator did `action` to `target`, and what it changed.
    pub async fn audit_changes(
        &self,
        tx: &mut Tx,
        action: Action,
        target: impl Into<Uuid>,
        changes: &ChangedFields,
    ) -> Result<(), ApiError> {
        self.caller.audit_changes(tx, action, target, changes).await
    }
}

impl Actor for Administrator {
    fn name(&self) -> String {
        self.caller.name()
    }

    async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> Result<T, ApiError> {
        let caller = &self.caller;
        let check = async |tx: &mut Tx| match is_administrator(tx, caller.user).await? {
            Some(true) => Ok(()),
            Some(false) | None => Err(ADMINISTRATOR_NEEDED.into()),
        };
        caller.db().resume(caller.pending().take_transaction(), check, work).await
    }
}

impl SignedIn for Administrator {
    fn is_fresh(&self) -> bool {
        self.caller.is_fresh()
    }
}

/// Checks whether the user is an administrator; `None` if the account is deleted.
async fn is_administrator(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<bool>> {
    Ok(store::users::find(tx, id).await?.map(|user| user.system_administrator))
}

impl<S: Send + Sync> FromRequestParts<S> for Administrator
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let (db, pending) = (caller.db(), caller.pending());
        let tx = pending.begin(db).await?;
        let check = async |tx: &mut Tx| {
            let administrator = is_administrator(tx, caller.user).await?;
            if administrator == Some(false) {
                store::audit_events::insert(tx, &caller.event(Action::AccessDenied).denied()).await?;
            }
            Ok::<_, ApiError>(administrator)
        };
        let (tx, administrator) = db.step(tx, check).await?;
        match administrator {
            Some(true) => {
                pending.put_transaction(tx);
                Ok(Self { caller })
            }
            Some(false) => {
                db.commit(tx).await?;
                Err(ADMINISTRATOR_NEEDED.into())
            }
            None => {
                db.roll_back(tx).await;
                Err(UNAUTHENTICATED.into())
            }
        }
    }
}
