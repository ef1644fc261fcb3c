//! The report of a run, and its metrics.

use std::time::Duration;

use metrics::{counter, histogram};
use serde::Serialize;

use crate::Checked;

/// The only reason for which an expired row stays.
const LEGAL_HOLD: &str = "legal hold";

/// The result of a run; for a dry run, the result that a run would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Whether all expired rows were removed. If not, the deadline was near, and the next run continues.
    pub complete: bool,
    /// The tables, in the order in which they were cleaned.
    pub tables: Vec<Cleaned>,
    /// The entries of the ledger of erasures whose outcome was not written.
    pub ledger: Checked,
    /// Organizations of which the totals were wrong. They are corrected.
    pub wrong_totals: u64,
    /// Seeds of authenticator apps that were encrypted with the current key.
    pub resealed: u64,
    /// Seeds that are not encrypted with the current key.
    pub sealed_with_other_keys: u64,
    pub duration_ms: u64,
}

/// The result for one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    pub table: &'static str,
    /// Rows removed; of `users`, users erased.
    pub removed: u64,
    /// Expired rows that stay.
    pub held: u64,
    /// The reason, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_because: Option<&'static str>,
    /// Whether all expired rows were found.
    pub complete: bool,
}

impl Cleaned {
    pub(crate) fn nothing(table: &'static str) -> Self {
        Self { table, removed: 0, held: 0, held_because: None, complete: false }
    }

    pub(crate) fn add(&mut self, removed: u64, held: u64) {
        self.removed += removed;
        self.held += held;
        self.held_because = (self.held > 0).then_some(LEGAL_HOLD);
    }

    /// Logs the result, and counts it in the metrics unless the run is dry. At once, because a later table may fail.
    pub(crate) fn log(&self, dry_run: bool, request: &str) {
        let Self { table, removed, held, complete, .. } = *self;
        tracing::info!(request.id = request, table, rows = removed, held, complete, dry_run, "table cleaned");
        if !dry_run {
            counter!("RowsRemoved", "table" => table).increment(removed);
            counter!("RowsHeld", "table" => table).increment(held);
        }
    }
}

impl Report {
    pub(crate) fn new(
        dry_run: bool,
        tables: Vec<Cleaned>,
        ledger: Checked,
        wrong_totals: u64,
        (resealed, sealed_with_other_keys): (u64, u64),
        duration: Duration,
    ) -> Self {
        let complete = tables.iter().all(|table| table.complete);
        let duration_ms = duration.as_millis().try_into().unwrap_or(u64::MAX);
        Self {
            dry_run,
            complete,
            tables,
            ledger,
            wrong_totals,
            resealed,
            sealed_with_other_keys,
            duration_ms,
        }
    }

    /// Records the metric of the alarm, unless the run is dry.
    pub(crate) fn record(&self) {
        if !self.dry_run {
            histogram!("RetentionComplete").record(if self.complete { 1.0 } else { 0.0 });
        }
    }
}
