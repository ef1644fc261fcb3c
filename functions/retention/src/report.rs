//! What a run did, for a person and for CloudWatch.

use std::time::Duration;

use metrics::{counter, histogram};
use serde::Serialize;

/// The one reason for which something past its time stays.
const LEGAL_HOLD: &str = "legal hold";

/// What was done, or of a dry run would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Whether nothing is left that is past its time; if not, there was no time left, and the next run goes on.
    pub complete: bool,
    /// Table by table, in the order in which they were cleaned.
    pub tables: Vec<Cleaned>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What was done to one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    /// Its name.
    pub table: &'static str,
    /// Rows removed; of `users`, users erased.
    pub removed: u64,
    /// Rows past their time that stay.
    pub held: u64,
    /// … and why, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_because: Option<&'static str>,
    /// Whether all was seen.
    pub complete: bool,
}

impl Cleaned {
    /// Nothing yet.
    pub(crate) fn nothing(table: &'static str) -> Self {
        Self { table, removed: 0, held: 0, held_because: None, complete: false }
    }

    /// Counts.
    pub(crate) fn add(&mut self, removed: u64, held: u64) {
        self.removed += removed;
        self.held += held;
        self.held_because = (self.held > 0).then_some(LEGAL_HOLD);
    }

    /// Says so in the log, and counts it unless nothing was done. At once: what comes later may fail.
    pub(crate) fn tell(&self, dry_run: bool, request: &str) {
        let Self { table, removed, held, complete, .. } = *self;
        tracing::info!(request.id = request, table, rows = removed, held, complete, dry_run, "table cleaned");
        if !dry_run {
            counter!("RowsRemoved", "table" => table).increment(removed);
            counter!("RowsHeld", "table" => table).increment(held);
        }
    }
}

impl Report {
    /// Of all tables.
    pub(crate) fn new(dry_run: bool, tables: Vec<Cleaned>, duration: Duration) -> Self {
        let complete = tables.iter().all(|table| table.complete);
        Self { dry_run, complete, tables, duration_ms: duration.as_millis().try_into().unwrap_or(u64::MAX) }
    }

    /// Tells the alarm, unless nothing was done.
    pub(crate) fn tell(&self) {
        if !self.dry_run {
            histogram!("RetentionComplete").record(if self.complete { 1.0 } else { 0.0 });
        }
    }
}
