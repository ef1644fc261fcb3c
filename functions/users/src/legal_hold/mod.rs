//! `/v1/users/{userId}/legal-hold`: the data of a user is not erased, because a court may need it (GDPR, article 17(3)(e)).

pub mod lift;
pub mod place;

use shared::{
    ApiError,
    auth::{Actor, Administrator},
    domain::{audit::Action, ids::UserId},
    store,
};

use crate::{
    refusals,
    user::{UserResponse, lock, require_other, respond},
};

/// Places a legal hold with a reason; lifts it without one.
async fn set(
    administrator: &Administrator,
    id: UserId,
    reason: Option<&str>,
) -> Result<UserResponse, ApiError> {
    require_other(administrator, id)?;
    let action = if reason.is_some() { Action::LegalHoldPlaced } else { Action::LegalHoldLifted };
    let user = administrator.transaction(async |tx| {
        let before = lock(tx, administrator, id).await?;
        let user = store::users::set_legal_hold(tx, id, reason).await?;
        let user = user.ok_or(refusals::NO_SUCH_USER)?;
        administrator.audit_changes(tx, action, id, &before.changed_states(&user)).await?;
        Ok(user)
    });
    Ok(respond(user.await?))
}
