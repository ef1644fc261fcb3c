//! The erasure of a user, alike for whoever does it: an administrator, `retention`, and a restore that replays the ledger.

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

/// Leaves the organizations of `user`, overwrites and removes what the register says, and notes that it was done.
///
/// `event` is the note: [`Action::UserErased`], by whoever does it. Hold the user first, see that they are neither erased
/// nor under a legal hold, decide about their organizations, and append them to the ledger: from here on there is no way
/// back but the transaction's.
pub async fn erase(tx: &mut Tx, user: &User, departure: &Departure, event: &Event<'_>) -> sqlx::Result<()> {
    departure.carry_out(tx, event).await?;
    store::personal_data::erase(tx, user).await?;
    store::audit_events::insert(tx, event).await
}

/// [`erase`] by nobody, in a job, although it may leave organizations with other members but no owner who can act: which
/// those are is the answer.
///
/// For users whose end was decided long ago. There is nobody left to refuse to.
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
