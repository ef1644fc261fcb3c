//! Rows that are removed once they have expired.

use chrono::{DateTime, Utc};
use shared::{
    db::Tx,
    store::retention::{Batch, BatchEnd},
    telemetry,
};

use crate::{Cleaned, Run};

/// The most rows that one transaction removes: it takes milliseconds, so others hardly wait for its locks.
pub(crate) const BATCH_ROWS: i64 = 5_000;

/// Removes the expired rows of `table`, batch after batch of at most `batch_rows`, each in its own transaction.
///
/// Safe to run concurrently.
pub(crate) async fn clean<Id: Default>(
    run: &Run<'_>,
    table: &'static str,
    batch_rows: i64,
    find: impl AsyncFn(&mut Tx, &BatchEnd<Id>, i64, DateTime<Utc>) -> sqlx::Result<Batch<Id>>,
    remove: impl AsyncFn(&mut Tx, &BatchEnd<Id>, &BatchEnd<Id>) -> sqlx::Result<u64>,
) -> anyhow::Result<Cleaned> {
    let until = run.until(table)?;
    let mut cleaned = Cleaned::nothing(table);
    // No row is older.
    let mut after = (DateTime::UNIX_EPOCH, Id::default());
    while run.has_time() {
        let transaction = run.state.db.transaction_as(async |tx| {
            let batch = find(tx, &after, batch_rows, until).await?;
            let removed = match &batch.end {
                Some(end) if !run.dry => remove(tx, &after, end).await?,
                _ => (batch.rows - batch.held).unsigned_abs(),
            };
            anyhow::Ok((batch, removed))
        });
        let (batch, removed) = transaction.await?;
        cleaned.add(removed, batch.held.unsigned_abs());
        // At most a hundred values are kept between two flushes.
        telemetry::flush();
        if let Some(end) = batch.end {
            after = end;
        }
        if batch.rows < batch_rows {
            cleaned.complete = true;
            break;
        }
    }
    cleaned.log(run.dry, &run.job.id);
    Ok(cleaned)
}
