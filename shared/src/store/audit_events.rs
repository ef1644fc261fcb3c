//! The `audit_events` table. The application's role can add rows, and nothing else.

use chrono::{DateTime, Utc};

use crate::{
    audit::Event,
    db::Tx,
    ids::{AuditEventId, OrganizationId, SessionId, UserId},
};

/// Adds one line to the log.
pub async fn insert(tx: &mut Tx, event: &Event<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO audit_events
            (id, occurred_at, action, outcome, actor_id, session_id, organization_id, target_id, ip_address, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        AuditEventId::new() as AuditEventId,
        now,
        event.action.name(),
        if event.denied { "denied" } else { "success" },
        event.actor as Option<UserId>,
        event.session as Option<SessionId>,
        event.organization as Option<OrganizationId>,
        event.target,
        event.request.address.map(|address| address.to_string()),
        event.request.id,
    )
    .execute(tx)
    .await
    .map(drop)
}
