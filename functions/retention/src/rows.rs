//! Rows that are removed when their time is over.

use chrono::{DateTime, Utc};
use shared::{
    db::Tx,
    store::retention::{Batch, BatchEnd},
    telemetry,
};

use crate::{Cleaned, Run};

/// How many rows one transaction removes at most: it is over in milliseconds, so whoever meets a lock of it hardly waits.
const STRETCH: i64 = 5_000;

/// Removes from `table` what is past its time, a stretch of the index after the other, each in a transaction of its own.
///
/// Of two runs at once, each sees a row or finds it gone; neither minds.
pub(crate) async fn clean<Id: Default>(
    run: &Run<'_>,
    table: &'static str,
    next_batch: impl AsyncFn(&mut Tx, &BatchEnd<Id>, i64, DateTime<Utc>) -> sqlx::Result<Batch<Id>>,
    delete_batch: impl AsyncFn(&mut Tx, &BatchEnd<Id>, &BatchEnd<Id>) -> sqlx::Result<u64>,
) -> anyhow::Result<Cleaned> {
    let until = run.until(table)?;
    let mut cleaned = Cleaned::nothing(table);
    // Before everything: nothing of ours is older.
    let mut after = (DateTime::UNIX_EPOCH, Id::default());
    while run.goes_on() {
        let transaction = run.state.db.transaction(async |tx| {
            let found = next_batch(tx, &after, STRETCH, until).await?;
            let removed = match &found.end {
                Some(end) if !run.dry => delete_batch(tx, &after, end).await?,
                _ => (found.rows - found.held).unsigned_abs(),
            };
            anyhow::Ok((found, removed))
        });
        let (found, removed) = transaction.await?;
        cleaned.add(removed, found.held.unsigned_abs());
        // A hundred values are all that is held between two times.
        telemetry::flush();
        if let Some(end) = found.end {
            after = end;
        }
        if found.rows < STRETCH {
            cleaned.complete = true;
            break;
        }
    }
    cleaned.tell(run.dry, &run.job.id);
    Ok(cleaned)
}
