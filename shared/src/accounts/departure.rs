//! The organizations of a user whose account ends: each is deleted, or the user leaves it.

use crate::{
    ApiError, Refusal,
    db::Tx,
    domain::{
        audit::{Action, Event},
        ids::{OrganizationId, UserId},
    },
    store,
};

/// Returned if an organization with other members would have no active owner.
pub const LAST_OWNER: Refusal = Refusal::conflict(
    "last-owner",
    "The last owner can neither leave nor be demoted. Make someone else an owner, or delete the organization.",
);

/// The result for one organization when a user leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrganizationOutcome {
    /// The user is the only member: it is deleted.
    Ends,
    /// Other members stay.
    GoesOn,
    /// Other members stay, but none of them is an active owner.
    Ownerless,
}

/// The organizations that a user is about to leave, and the result for each. Nothing is changed yet.
pub struct Departure {
    user: UserId,
    organizations: Vec<(OrganizationId, OrganizationOutcome)>,
}

impl Departure {
    /// Locks the organizations of `user`, and decides what happens to each.
    ///
    /// Lock `user` first, so that they cannot join another organization. The lock on the organizations keeps other requests from making
    /// the user an owner, or from leaving the organization to them, while they still look active.
    pub async fn decide(tx: &mut Tx, user: UserId) -> sqlx::Result<Self> {
        store::organizations::lock_joined(tx, user).await?;
        let mut organizations = Vec::new();
        for (organization, owned) in store::organizations::joined(tx, user).await? {
            let fate = if !store::organizations::has_others(tx, organization, user).await? {
                OrganizationOutcome::Ends
            } else if owned && store::members::is_last_owner(tx, organization, user).await? {
                OrganizationOutcome::Ownerless
            } else {
                OrganizationOutcome::GoesOn
            };
            organizations.push((organization, fate));
        }
        Ok(Self { user, organizations })
    }

    /// Returns the organizations that would have no active owner.
    #[must_use]
    pub fn ownerless(&self) -> Vec<OrganizationId> {
        let all = self.organizations.iter();
        all.filter(|(_, fate)| *fate == OrganizationOutcome::Ownerless)
            .map(|(organization, _)| *organization)
            .collect()
    }

    /// Deletes the organizations without other members, and leaves the others. Records each in the audit log, with the origin of `end`.
    pub async fn carry_out(&self, tx: &mut Tx, end: &Event<'_>) -> sqlx::Result<()> {
        for (organization, fate) in &self.organizations {
            let action = if *fate == OrganizationOutcome::Ends {
                // The membership stays: it brings the organization back if the user is restored.
                store::organizations::delete(tx, *organization, None).await?;
                Action::OrganizationDeleted
            } else {
                store::members::delete(tx, *organization, self.user, None).await?;
                Action::MemberRemoved
            };
            let event = Event { action, target: Some(self.user.0), ..*end };
            store::audit_events::insert(tx, &event.within(*organization)).await?;
        }
        Ok(())
    }
}

/// Makes `user` leave all organizations. Refuses if one with other members would have no active owner.
pub async fn leave_organizations(tx: &mut Tx, user: UserId, end: &Event<'_>) -> Result<(), ApiError> {
    let departure = Departure::decide(tx, user).await?;
    if !departure.ownerless().is_empty() {
        return Err(LAST_OWNER.into());
    }
    Ok(departure.carry_out(tx, end).await?)
}
