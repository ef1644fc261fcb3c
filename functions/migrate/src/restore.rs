//! Restores a deleted organization for its owners, when an operator is asked to. The owners can also do it themselves, through the API.

use std::sync::Arc;

use anyhow::{Context, ensure};
use serde::Serialize;
use shared::{
    aws::secrets::Secrets,
    config::Database,
    db::{Db, Tx},
    domain::{
        audit::{Action, Event},
        clock::Clock,
        ids::OrganizationId,
    },
    lambda::job::Job,
    store,
};

/// The restored organization.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    pub organization_id: OrganizationId,
    /// Its active owners with a verified address. They are not told.
    pub owners: usize,
}

/// Restores the organization `id` in the database at `url`, and records it in the audit log.
pub async fn restore(
    database: &Database,
    url: &str,
    id: OrganizationId,
    clock: Arc<dyn Clock>,
    job: &Job,
) -> anyhow::Result<Restored> {
    let db = Db::new(database.at(url), Secrets::default(), None, clock);
    let request = job.request();
    let restored = db.transaction_as(async |tx: &mut Tx| {
        let organization = store::organizations::lock_any(tx, id)
            .await?
            .context("no such organization: it was purged, or never existed")?;
        let until = organization.restorable_until().context("the organization is not deleted")?;
        ensure!(until > tx.now(), "the organization could be restored until {}", until.to_rfc3339());
        let owners = store::members::owner_addresses(tx, id).await?.len();
        ensure!(
            owners > 0,
            "no owner with a verified address is active: restore the account of an owner, and with it the organization"
        );
        store::organizations::restore(tx, id, None).await?.context("the organization was changed")?;
        let event = Event::anonymous(Action::OrganizationRestored, &request).within(id).to(id.0);
        store::audit_events::insert(tx, &event).await?;
        Ok(owners)
    });
    let owners = restored.await?;
    tracing::info!(organization.id = %id, "organization restored");
    Ok(Restored { organization_id: id, owners })
}
