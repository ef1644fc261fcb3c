//! The search in the artifacts of an organization, for the functions that search.

mod cache;
mod vector;

pub use cache::{VectorKey, put, take};
pub use vector::{Bill, Missing, QueryVector, reached_budget};

use crate::{
    ApiError, AppState,
    auth::Actor,
    db::Tx,
    domain::ids::OrganizationId,
    store::search::{Found, Search, search},
};

/// Finds the chunks, and settles the bill, also if the search fails.
pub async fn find(
    app: &AppState,
    actor: &impl Actor,
    organization: OrganizationId,
    wanted: &Search<'_>,
    bill: Option<&Bill>,
) -> Result<Vec<Found>, ApiError> {
    let models = &app.config.models;
    let find = async |tx: &mut Tx| Ok(search(tx, organization, wanted).await?);
    let Some(bill) = bill else { return actor.read(find).await };
    let find_and_settle = async |tx: &mut Tx| {
        let found = search(tx, organization, wanted).await?;
        bill.settle(tx, models).await?;
        Ok(found)
    };
    let found = actor.transaction(find_and_settle).await;
    if found.is_err() {
        // The tokens were used all the same.
        app.db.transaction(async |tx| bill.settle(tx, models).await).await?;
    }
    found
}
