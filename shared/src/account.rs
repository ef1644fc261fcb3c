//! What the end of an account means for the organizations it belongs to.

use chrono::{DateTime, Utc};

use crate::{
    ApiError, Refusal,
    audit::{Action, Event},
    db::Tx,
    ids::UserId,
    store,
};

/// An organization always has an owner who can act.
pub const LAST_OWNER: Refusal = Refusal::conflict(
    "last-owner",
    "The last owner can neither leave nor be demoted. Make someone else an owner, or delete the organization.",
);

/// Deletes the organizations that nobody but `user` belongs to, and leaves the others; refuses if one of those would be left
/// without an owner. `end` is the event of which this is a part.
///
/// Hold `user` first, so that they join no other one meanwhile. All are held that they belong to: to whoever would make them
/// an owner, or leave an organization to them, they look alive until this transaction ends.
pub async fn leave_organizations(
    tx: &mut Tx,
    user: UserId,
    end: &Event<'_>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    store::organizations::hold_joined(tx, user).await?;
    for (organization, owned) in store::organizations::joined(tx, user).await? {
        let action = if !store::organizations::has_others(tx, organization, user).await? {
            // The membership stays, by which a restored user gets it back.
            store::organizations::delete(tx, organization, None, now).await?;
            Action::OrganizationDeleted
        } else if owned && store::members::is_last_owner(tx, organization, user).await? {
            return Err(LAST_OWNER.into());
        } else {
            store::members::delete(tx, organization, user, None).await?;
            Action::MemberRemoved
        };
        let event = Event { action, target: Some(user.0), ..*end };
        store::audit_events::insert(tx, &event.within(organization), now).await?;
    }
    Ok(())
}
