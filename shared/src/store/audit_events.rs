//! The `audit_events` table. The database role of the API functions can insert and read rows, not change them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    db::Tx,
    domain::{
        audit::{AuditEvent, AuditFilter, Event, OwnAuditFilter},
        changes::ChangedFields,
        ids::{ApiKeyId, AuditEventId, OrganizationId, SessionId, UserId},
        page::{PageQuery, Sort},
    },
};

/// Inserts an event.
pub async fn insert(tx: &mut Tx, event: &Event<'_>) -> sqlx::Result<()> {
    let now = tx.now();
    let changes = event.changes.map(ChangedFields::to_json).transpose();
    let changes = changes.map_err(|error| sqlx::Error::Encode(error.into()))?.flatten();
    sqlx::query!(
        r#"
        INSERT INTO audit_events
            (id, occurred_at, action, outcome, actor_id, session_id, api_key_id, organization_id, target_id, changes,
             ip_address, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        AuditEventId::new() as AuditEventId,
        now,
        event.action.as_str(),
        if event.denied { "denied" } else { "success" },
        event.actor as Option<UserId>,
        event.session as Option<SessionId>,
        event.api_key as Option<ApiKeyId>,
        event.organization as Option<OrganizationId>,
        event.target,
        changes,
        event.request.address.map(|address| address.to_string()),
        event.request.id,
    )
    .execute(tx.deferred())
    .await
    .map(drop)
}

/// Returns the time of the newest event of the whole database.
pub async fn newest(connection: &mut PgConnection) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("SELECT max(occurred_at) FROM audit_events").fetch_one(connection).await
}

/// Returns a page of the events: of `organization`, or all if it is `None`.
pub async fn list(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    page: &PageQuery,
    filter: &AuditFilter,
) -> sqlx::Result<Vec<AuditEvent>> {
    page_of!(
        tx,
        page,
        AuditEvent,
        r#"
        SELECT id AS "id: AuditEventId", occurred_at, action, outcome, actor_id AS "actor_id: UserId",
               session_id AS "session_id: SessionId", api_key_id AS "api_key_id: ApiKeyId",
               organization_id AS "organization_id: OrganizationId", target_id, changes, ip_address,
               request_id
        FROM audit_events
        WHERE ($3::uuid IS NULL OR organization_id = $3)
          AND ($4::uuid IS NULL OR actor_id = $4)
          AND ($5::uuid IS NULL OR target_id = $5)
          AND ($6::text IS NULL OR action = $6)
          AND ($7::timestamptz IS NULL OR occurred_at >= $7)
          AND ($8::timestamptz IS NULL OR occurred_at < $8)
        "#,
        "id",
        organization as Option<OrganizationId>,
        filter.actor_id as Option<UserId>,
        filter.target_id,
        filter.action.as_ref().map(AsRef::as_ref),
        filter.since.map(|since| since.0),
        filter.until.map(|until| until.0)
    )
}

/// Returns a page of the events that `user` caused, or that are about `user`.
///
/// The newest of each kind are found first, each through its own index: one condition for both would read all events of the user.
pub async fn list_of(
    tx: &mut Tx,
    user: UserId,
    page: &PageQuery,
    filter: &OwnAuditFilter,
) -> sqlx::Result<Vec<AuditEvent>> {
    macro_rules! ordered {
        ($after:tt, $order:tt) => {
            sqlx::query_as!(
                AuditEvent,
                r#"
                SELECT id AS "id: AuditEventId", occurred_at, action, outcome, actor_id AS "actor_id: UserId",
                       session_id AS "session_id: SessionId", api_key_id AS "api_key_id: ApiKeyId",
                       organization_id AS "organization_id: OrganizationId", target_id, changes, ip_address, request_id
                FROM audit_events
                WHERE id IN (
                    (SELECT id FROM audit_events
                     WHERE actor_id = $3 AND ($4::text IS NULL OR action = $4)
                       AND ($5::timestamptz IS NULL OR occurred_at >= $5) AND ($6::timestamptz IS NULL OR occurred_at < $6)
                       AND ($1::uuid IS NULL OR "# + $after + ") ORDER BY " + $order + r#" LIMIT $2)
                    UNION
                    (SELECT id FROM audit_events
                     WHERE target_id = $3 AND ($4::text IS NULL OR action = $4)
                       AND ($5::timestamptz IS NULL OR occurred_at >= $5) AND ($6::timestamptz IS NULL OR occurred_at < $6)
                       AND ($1::uuid IS NULL OR "# + $after + ") ORDER BY " + $order + " LIMIT $2)) ORDER BY " + $order + " LIMIT $2",
                page.after().map(|position| position.id),
                page.rows(),
                user.0,
                filter.action.as_ref().map(AsRef::as_ref),
                filter.since.map(|since| since.0),
                filter.until.map(|until| until.0),
            )
            .fetch_all(tx)
            .await
        };
    }
    match page.sort() {
        Sort::NewestFirst => ordered!("id < $1", "id DESC"),
        Sort::OldestFirst => ordered!("id > $1", "id"),
    }
}
