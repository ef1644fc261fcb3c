//! The erasure of a user: by an administrator, by `retention`, and by a restore that replays the ledger.

use crate::{
    accounts::departure::Departure,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::OrganizationId,
    },
    store::{self, users::User},
};

/// Leaves the organizations of `user`, purges those of the user alone, overwrites and deletes the personal data, and writes `event`
/// ([`Action::UserErased`]).
///
/// Before this: lock the user, check that the user is not erased and not under a legal hold, decide about the organizations
/// ([`Departure::decide_erasure`]), and append the user to the ledger. After this only a rollback of the transaction keeps the data.
pub async fn erase(tx: &mut Tx, user: &User, departure: &Departure, event: &Event<'_>) -> sqlx::Result<()> {
    departure.apply(tx, event).await?;
    for organization in store::organizations::lock_only_of(tx, user.id).await? {
        if store::personal_data::is_held(tx, organization, Some(user.id)).await? {
            // Its artifacts and conversations go, except those of users under a legal hold.
            store::object_deletions::insert_organization(tx, organization, true).await?;
            store::artifacts::delete_unheld(tx, organization).await?;
            store::conversations::delete_unheld(tx, organization).await?;
        } else {
            purge(tx, organization, event).await?;
        }
    }
    store::personal_data::erase(tx, user, departure.address()).await?;
    store::audit_events::insert(tx, event).await
}

/// Purges a deleted organization, with the objects of its artifacts. `cause` is the event that it follows from.
pub async fn purge(tx: &mut Tx, organization: OrganizationId, cause: &Event<'_>) -> sqlx::Result<()> {
    store::object_deletions::insert_organization(tx, organization, false).await?;
    if store::organizations::purge(tx, organization).await? {
        let event = Event { action: Action::OrganizationPurged, changes: None, ..*cause };
        store::audit_events::insert(tx, &event.within(organization).to(organization.0)).await?;
    }
    Ok(())
}

/// Erases `user` in a job, for users whose erasure was decided before. Does not refuse if organizations with other members lose
/// their last active owner; returns those organizations.
pub async fn erase_anyway(
    tx: &mut Tx,
    user: &User,
    request: &RequestInfo,
) -> sqlx::Result<Vec<OrganizationId>> {
    let departure = Departure::decide_erasure(tx, user).await?;
    let event = Event::anonymous(Action::UserErased, request).to(user.id.0);
    erase(tx, user, &departure, &event).await?;
    Ok(departure.ownerless())
}
