//! What the end of an account means for the organizations it belongs to.

use crate::{
    ApiError, Refusal,
    db::Tx,
    domain::{
        audit::{Action, Event},
        ids::{OrganizationId, UserId},
    },
    store,
};

/// An organization always has an owner who can act.
pub const LAST_OWNER: Refusal = Refusal::conflict(
    "last-owner",
    "The last owner can neither leave nor be demoted. Make someone else an owner, or delete the organization.",
);

/// What becomes of an organization when someone goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrganizationOutcome {
    /// Nobody else belongs to it: it ends.
    Ends,
    /// It goes on.
    GoesOn,
    /// It goes on, with nobody who owns it and can act.
    Ownerless,
}

/// The organizations that a user leaves, decided and not done yet.
pub struct Departure {
    user: UserId,
    organizations: Vec<(OrganizationId, OrganizationOutcome)>,
}

impl Departure {
    /// Decides what becomes of the organizations of `user`.
    ///
    /// Hold `user` first, so that they join no other one meanwhile. All are held that they belong to: to whoever would make
    /// them an owner, or leave an organization to them, they look alive until this transaction ends.
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

    /// Those that would be left without an owner who can act.
    #[must_use]
    pub fn ownerless(&self) -> Vec<OrganizationId> {
        let all = self.organizations.iter();
        all.filter(|(_, fate)| *fate == OrganizationOutcome::Ownerless)
            .map(|(organization, _)| *organization)
            .collect()
    }

    /// Deletes the organizations that nobody else belongs to, and leaves the others. `end` is the event of which this is a part.
    pub async fn carry_out(&self, tx: &mut Tx, end: &Event<'_>) -> sqlx::Result<()> {
        for (organization, fate) in &self.organizations {
            let action = if *fate == OrganizationOutcome::Ends {
                // The membership stays, by which a restored user gets it back.
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

/// [`Departure`], decided and done; refuses if an organization with other members would be left without an owner.
pub async fn leave_organizations(tx: &mut Tx, user: UserId, end: &Event<'_>) -> Result<(), ApiError> {
    let departure = Departure::decide(tx, user).await?;
    if !departure.ownerless().is_empty() {
        return Err(LAST_OWNER.into());
    }
    Ok(departure.carry_out(tx, end).await?)
}
