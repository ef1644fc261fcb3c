//! The `object_deletions` table: objects in storage that `retention` deletes, with all their versions.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{ids::OrganizationId, ingestion::Upload},
};

/// Lets the objects of `upload` be deleted.
pub async fn insert_upload(tx: &mut Tx, upload: Upload) -> sqlx::Result<()> {
    let now = tx.now();
    insert(tx, &[upload.file_key(), upload.text_key()], now).await
}

/// Lets the objects of `last` and of all uploads before it be deleted.
pub async fn insert_uploads(tx: &mut Tx, last: Upload) -> sqlx::Result<()> {
    let uploads = (1..=last.generation).map(|generation| Upload { generation, ..last });
    let keys: Vec<_> = uploads.flat_map(|upload| [upload.file_key(), upload.text_key()]).collect();
    let now = tx.now();
    insert(tx, &keys, now).await
}

/// Lets the objects `keys` be deleted at `due`, or before if that was decided already.
pub async fn insert(tx: &mut Tx, keys: &[String], due: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO object_deletions AS d (key, due_at)
        SELECT key, $2 FROM unnest($1::text[]) AS keys (key)
        ON CONFLICT (key) DO UPDATE SET due_at = least(d.due_at, $2)
        "#,
        keys,
        due,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Lets the objects of a deleted organization be deleted, before its artifacts are: they name the objects. With `only_unheld`, not those of
/// artifacts that a user under a legal hold created.
pub async fn insert_organization(
    tx: &mut Tx,
    organization: OrganizationId,
    only_unheld: bool,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        INSERT INTO object_deletions (key, due_at)
        SELECT key, $2
        FROM artifacts a JOIN organizations o ON o.id = a.organization_id
        CROSS JOIN generate_series(1, a.generation) AS uploads (generation)
        CROSS JOIN LATERAL (SELECT format('%s/%s/%s', a.organization_id, a.id, uploads.generation) AS name) AS named
        CROSS JOIN LATERAL (VALUES ('uploads/' || named.name), ('texts/' || named.name || '.jsonl.zst')) AS objects (key)
        WHERE a.organization_id = $1 AND o.deleted_at IS NOT NULL
          AND NOT ($3 AND EXISTS (SELECT 1 FROM users u WHERE u.id = a.created_by AND u.legal_hold_at IS NOT NULL))
        ON CONFLICT (key) DO NOTHING
        "#,
        organization as OrganizationId,
        now,
        only_unheld,
    )
    .execute(tx)
    .await
    .map(drop)
}
