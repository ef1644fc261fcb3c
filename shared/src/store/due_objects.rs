//! The sweeper's view of `object_deletions`: objects in storage that are due to be deleted.

use crate::db::Tx;

/// An object of which every version must go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueObject {
    pub key: String,
    /// The version of the row. It changes when the object is asked to go once more.
    pub row_version: String,
}

/// Returns the objects that are due, at most `limit`: those first that have waited longest.
pub async fn list(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<DueObject>> {
    let now = tx.now();
    sqlx::query_as!(
        DueObject,
        r#"
        SELECT key, xmin::text AS "row_version!"
        FROM object_deletions
        WHERE due_at <= $1
        ORDER BY due_at
        LIMIT $2
        "#,
        now,
        limit,
    )
    .fetch_all(tx)
    .await
}

/// Notes that the objects are gone. Those that were asked to go once more after [`list`] stay: another version may have been written.
pub async fn remove(tx: &mut Tx, gone: &[DueObject]) -> sqlx::Result<u64> {
    let keys: Vec<_> = gone.iter().map(|object| object.key.clone()).collect();
    let versions: Vec<_> = gone.iter().map(|object| object.row_version.clone()).collect();
    let removed = sqlx::query!(
        r#"
        DELETE FROM object_deletions d
        USING unnest($1::text[], $2::text[]) AS gone (key, row_version)
        WHERE d.key = gone.key AND d.xmin::text = gone.row_version
        "#,
        &keys,
        &versions,
    )
    .execute(tx)
    .await?;
    Ok(removed.rows_affected())
}
