//! What the end of an account means for the organizations it owns.

use chrono::{DateTime, Utc};

use crate::{ApiError, Refusal, db::Tx, ids::UserId, store};

/// An organization always has an owner.
pub const LAST_OWNER: Refusal = Refusal::conflict(
    "last-owner",
    "The last owner can neither leave nor be demoted. Make someone else an owner, or delete the organization.",
);

/// Deletes the organizations that nobody but `user` belongs to; refuses if another one would be left without an owner.
///
/// Hold `user` first, so that they join no other one meanwhile. All are held that they belong to: to whoever would make them
/// an owner, or leave an organization to them, they look alive until this transaction ends.
pub async fn leave_organizations(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<(), ApiError> {
    store::organizations::hold_joined(tx, user).await?;
    for organization in store::organizations::owned(tx, user).await? {
        if !store::organizations::has_others(tx, organization, user).await? {
            store::organizations::delete(tx, organization, None, now).await?;
        } else if store::members::is_last_owner(tx, organization, user).await? {
            return Err(LAST_OWNER.into());
        }
    }
    Ok(())
}
