//! What the end of an account means for the organizations it owns.

use chrono::{DateTime, Utc};

use crate::{ApiError, Refusal, db::Tx, ids::UserId, store};

/// An organization always has an owner.
pub const LAST_OWNER: Refusal = Refusal::conflict(
    "last-owner",
    "The last owner can neither leave nor be demoted. Make someone else an owner, or delete the organization.",
);

/// Deletes the organizations that nobody but `user` belongs to; refuses if another one would be left without an owner.
pub async fn leave_organizations(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<(), ApiError> {
    for organization in store::organizations::hold_owned(tx, user).await? {
        if !store::organizations::has_others(tx, organization, user).await? {
            store::organizations::delete(tx, organization, None, now).await?;
        } else if store::members::is_last_owner(tx, organization, user).await? {
            return Err(LAST_OWNER.into());
        }
    }
    Ok(())
}
