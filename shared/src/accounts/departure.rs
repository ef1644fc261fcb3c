//! The organizations of a user whose account ends: delete them, or leave them.

use crate::{
    ApiError, Refusal,
    db::Tx,
    domain::{
        audit::{Action, Event},
        ids::{OrganizationId, UserId},
    },
    store::{self, users::User},
};

/// Returned for a change that would leave an organization without an active owner.
pub const LAST_OWNER: Refusal = Refusal::conflict(
    "last-owner",
    "The last owner cannot leave or be demoted. Make another member an owner, or delete the organization.",
);

/// The effect of a departure on one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrganizationOutcome {
    /// It has no other member and is deleted.
    Deleted,
    /// It has other members and an active owner.
    Kept,
    /// It has other members, but no active owner.
    Ownerless,
}

/// The decision about the organizations that a user leaves. [`Self::apply`] makes the changes.
pub struct Departure {
    user: UserId,
    organizations: Vec<(OrganizationId, OrganizationOutcome)>,
    /// Finds further rows of a user who is erased.
    address: Option<String>,
}

impl Departure {
    /// Decides about each organization of `user`.
    ///
    /// Lock `user` first, so that the user cannot join another organization at the same time. This function locks all organizations
    /// of the user: other transactions see the user as active until this one ends, and without the lock they could make the user an
    /// owner, or let the other owner leave.
    pub async fn decide(tx: &mut Tx, user: UserId) -> sqlx::Result<Self> {
        store::organizations::lock_joined(tx, user).await?;
        Self::decide_locked(tx, user, None).await
    }

    /// Decides about each organization of a user who is erased. Lock `user` first. This function locks all organizations in which
    /// the erasure changes anything, also those of others that have the user's address.
    pub async fn decide_erasure(tx: &mut Tx, user: &User) -> sqlx::Result<Self> {
        let address = store::personal_data::address(tx, user).await?;
        store::organizations::lock_for_erasure(tx, user.id, address.as_deref()).await?;
        Self::decide_locked(tx, user.id, address).await
    }

    async fn decide_locked(tx: &mut Tx, user: UserId, address: Option<String>) -> sqlx::Result<Self> {
        let mut organizations = Vec::new();
        for (organization, owned) in store::organizations::joined(tx, user).await? {
            let outcome = if !store::organizations::has_others(tx, organization, user).await? {
                OrganizationOutcome::Deleted
            } else if owned && store::members::is_last_owner(tx, organization, user).await? {
                OrganizationOutcome::Ownerless
            } else {
                OrganizationOutcome::Kept
            };
            organizations.push((organization, outcome));
        }
        Ok(Self { user, organizations, address })
    }

    pub(super) fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Returns the organizations that would have no active owner.
    #[must_use]
    pub fn ownerless(&self) -> Vec<OrganizationId> {
        let all = self.organizations.iter();
        all.filter(|(_, outcome)| *outcome == OrganizationOutcome::Ownerless)
            .map(|(organization, _)| *organization)
            .collect()
    }

    /// Deletes the organizations without other members and leaves the others. `end` is the event that ends the account.
    pub async fn apply(&self, tx: &mut Tx, end: &Event<'_>) -> sqlx::Result<()> {
        for (organization, outcome) in &self.organizations {
            let action = if *outcome == OrganizationOutcome::Deleted {
                // Keeps the membership, so that a restored user gets the organization back.
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

/// Decides and applies the [`Departure`] of `user`. Refuses if an organization with other members would have no active owner.
pub async fn leave_organizations(tx: &mut Tx, user: UserId, end: &Event<'_>) -> Result<(), ApiError> {
    let departure = Departure::decide(tx, user).await?;
    if !departure.ownerless().is_empty() {
        return Err(LAST_OWNER.into());
    }
    Ok(departure.apply(tx, end).await?)
}
