//! Work of which each item has its own transaction. An item that fails does not stop the rest.

use std::fmt::Display;

use anyhow::bail;
use chrono::{DateTime, Utc};
use shared::{
    error::{is_outage, is_time_limit},
    telemetry,
};

use crate::{Cleaned, Run};

/// A run skips so many items that fail. With more the cause is probably not the items, and the run fails.
const MAX_FAILURES: usize = 10;

/// The position of an item: when its period began, and its id.
pub(crate) type Position<Id> = (DateTime<Utc>, Id);

/// The result for one item.
pub(crate) enum Outcome {
    Removed,
    /// A legal hold keeps it.
    Held,
    /// Another transaction has locked it between two runs of this one. The next run of the job handles it.
    Skipped,
}

/// Adds the result of every item after the position `first` to `cleaned`. `step` handles the first item after a position in a
/// transaction, and returns the position of the item, also if it fails. Returns whether no item is left, except locked ones.
pub(crate) async fn each<Id: Copy + Display>(
    run: &Run<'_>,
    cleaned: &mut Cleaned,
    first: Id,
    step: impl AsyncFn(&Position<Id>) -> (anyhow::Result<Outcome>, Option<Position<Id>>),
) -> anyhow::Result<bool> {
    let (mut after, mut failures, mut finished) = ((DateTime::UNIX_EPOCH, first), 0, false);
    while run.has_time() {
        let (done, position) = step(&after).await;
        // At most a hundred values are kept between two flushes.
        telemetry::flush();
        match (done, position) {
            (Ok(_), None) => {
                finished = true;
                break;
            }
            (Ok(outcome), Some(position)) => {
                match outcome {
                    Outcome::Removed => cleaned.add(1, 0),
                    Outcome::Held => cleaned.add(0, 1),
                    Outcome::Skipped => {}
                }
                after = position;
            }
            (Err(error), Some(position)) if concerns_one_row(&error) && failures < MAX_FAILURES => {
                let (table, id, error) = (cleaned.table, position.1, format!("{error:#}"));
                tracing::error!(table, row.id = %id, error, "row not removed");
                failures += 1;
                after = position;
            }
            (Err(error), _) => return Err(error),
        }
    }
    if failures > 0 {
        let table = cleaned.table;
        bail!("{failures} rows were not removed; the log says which and why (table {table})");
    }
    Ok(finished)
}

/// Checks whether the next row may still be removed. A time limit was reached because of this row.
fn concerns_one_row(error: &anyhow::Error) -> bool {
    !is_outage(error) || is_time_limit(error)
}
