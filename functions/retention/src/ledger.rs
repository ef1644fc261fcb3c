//! Confirms entries of the ledger of erasures whose outcome was not written.

use anyhow::Context;
use serde::Serialize;
use shared::{
    accounts::erasure_ledger::{self, Entry, Ledger},
    db::Tx,
    store,
};

use crate::Run;

/// The entries whose outcome was not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Entries whose users are erased. They are confirmed now.
    pub confirmed: Vec<String>,
    /// Entries with users who are not erased.
    pub unconfirmed: Vec<String>,
}

/// Confirms the entries whose users are erased. Cancels none: if this database was restored and not replayed yet, its users are not
/// erased although their erasure was committed.
pub(crate) async fn check(run: &Run<'_>) -> anyhow::Result<Checked> {
    let mut checked = Checked::default();
    if run.dry || !run.has_time() {
        return Ok(checked);
    }
    let ledger = Ledger::read(&run.state.ledger).await;
    let ledger = ledger.context("the ledger of erasures cannot be read")?;
    for (key, entry) in ledger.unconfirmed(run.now).await? {
        if !run.has_time() {
            break;
        }
        match is_erased(run, &entry).await? {
            Some(true) => {
                erasure_ledger::confirm(&run.state.ledger, &key).await?;
                tracing::info!(ledger.entry = key, "erasure confirmed");
                checked.confirmed.push(key);
            }
            Some(false) => {
                tracing::warn!(ledger.entry = key, "erasure in the ledger did not happen in this database");
                checked.unconfirmed.push(key);
            }
            None => {}
        }
    }
    Ok(checked)
}

/// Checks whether all users of `entry` are erased; `None` if the database has none of them, because the entry is a copy from another
/// environment.
async fn is_erased(run: &Run<'_>, entry: &Entry) -> anyhow::Result<Option<bool>> {
    let find = async |tx: &mut Tx| {
        let mut erased = None;
        for id in &entry.users {
            if let Some(user) = store::users::find_any(tx, *id).await? {
                erased = Some(erased.unwrap_or(true) && user.erased_at.is_some());
            }
        }
        anyhow::Ok(erased)
    };
    run.state.db.transaction_as(find).await
}
