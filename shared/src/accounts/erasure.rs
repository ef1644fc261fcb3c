//! The erasure of a user: by an administrator, by `retention`, or by a restore that repeats the erasures in the ledger.

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

/// Leaves the organizations of `user`, overwrites and deletes their data as the register of personal data says, and records `event`.
///
/// `event` is an [`Action::UserErased`]. Before the call: lock the user, check that they are neither erased nor under a legal hold,
/// decide about their organizations, and append them to the ledger. After it, only a rollback keeps the data.
pub async fn erase(tx: &mut Tx, user: &User, departure: &Departure, event: &Event<'_>) -> sqlx::Result<()> {
    departure.carry_out(tx, event).await?;
    store::personal_data::erase(tx, user).await?;
    store::audit_events::insert(tx, event).await
}

/// Erases a user in a job. Does not refuse if organizations with other members lose their last active owner: it returns them.
///
/// For users whose erasure was decided before, so that no caller can correct it now.
pub async fn erase_anyway(
    tx: &mut Tx,
    user: &User,
    request: &RequestInfo,
) -> sqlx::Result<Vec<OrganizationId>> {
    let departure = Departure::decide(tx, user.id).await?;
    let event = Event::anonymous(Action::UserErased, request).to(user.id.0);
    erase(tx, user, &departure, &event).await?;
    Ok(departure.ownerless())
}
