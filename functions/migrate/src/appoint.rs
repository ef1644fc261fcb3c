//! Appoints an administrator of the system: the first one, whom no other can appoint.

use serde::Serialize;
use sqlx::{Connection, PgConnection};

/// Who was appointed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Appointed {
    /// The user's id.
    pub user_id: String,
}

/// Makes the living user with the proved address `email` an administrator, and notes it in the audit log.
pub async fn appoint(connection: &mut PgConnection, email: &str) -> anyhow::Result<Appointed> {
    let mut tx = connection.begin().await?;
    let user_id: Option<String> = sqlx::query_scalar(
        "UPDATE users
         SET system_administrator = true, updated_at = now(), version = version + 1
         WHERE lower(email) = lower($1) AND deleted_at IS NULL AND email_verified_at IS NOT NULL
         RETURNING id::text",
    )
    .bind(email)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(user_id) = user_id else {
        anyhow::bail!("no account with this address, or the address is not proved");
    };
    sqlx::query(
        "INSERT INTO audit_events (id, occurred_at, action, outcome, target_id, request_id)
         VALUES (gen_random_uuid(), now(), 'user.appointed', 'success', $1::uuid, 'migrate')",
    )
    .bind(&user_id)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    tracing::info!(user.id = user_id, "administrator appointed");
    Ok(Appointed { user_id })
}
