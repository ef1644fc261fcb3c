//! The `token_budgets` and `token_reservations` tables: what an organization may still use of language models this month.
//!
//! Before a call its tokens are reserved, so concurrent calls cannot pass the limit together. After the call they are settled: the
//! reservation is replaced by what the call used. The reservation of a call that never ended is released when it has expired.
//!
//! A reservation is locked before its budget.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::usage_days;
use crate::{
    db::Tx,
    domain::{
        ids::OrganizationId,
        usage::{Usage, column, month},
    },
};

/// The budget of a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    pub used: i64,
    /// What calls in progress may still use.
    pub reserved: i64,
}

/// Returns what the organization has used this month, and reserved.
pub async fn find(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<Budget> {
    let this_month = month(tx.now());
    let found = sqlx::query_as!(
        Budget,
        "SELECT used, reserved FROM token_budgets WHERE organization_id = $1 AND month = $2",
        organization as OrganizationId,
        this_month,
    );
    Ok(found.fetch_optional(tx).await?.unwrap_or_default())
}

/// The result of [`reserve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    Yes,
    /// The tokens are not used, but calls in progress have reserved them. Most calls use less, so try again.
    Busy,
    /// So many tokens are not left this month.
    UsedUp,
}

/// Reserves tokens of this month until `expires_at`, unless used and reserved tokens would be more than `limit`.
pub async fn reserve(
    tx: &mut Tx,
    organization: OrganizationId,
    id: Uuid,
    tokens: u64,
    limit: i64,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<Reserved> {
    if try_to_reserve(tx, organization, id, tokens, limit, expires_at).await? {
        return Ok(Reserved::Yes);
    }
    let this_month = month(tx.now());
    sqlx::query!(
        "INSERT INTO token_budgets (organization_id, month) VALUES ($1, $2) ON CONFLICT (organization_id, month) DO NOTHING",
        organization as OrganizationId,
        this_month,
    )
    .execute(&mut *tx)
    .await?;
    release_expired(tx, Some(organization)).await?;
    if try_to_reserve(tx, organization, id, tokens, limit, expires_at).await? {
        return Ok(Reserved::Yes);
    }
    let is_left = sqlx::query_scalar!(
        r#"SELECT used + $3 <= $4 AS "is_left!" FROM token_budgets WHERE organization_id = $1 AND month = $2"#,
        organization as OrganizationId,
        this_month,
        column(tokens),
        limit,
    );
    Ok(if is_left.fetch_one(tx).await? { Reserved::Busy } else { Reserved::UsedUp })
}

/// [`reserve`], if this month has a budget.
async fn try_to_reserve(
    tx: &mut Tx,
    organization: OrganizationId,
    id: Uuid,
    tokens: u64,
    limit: i64,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let this_month = month(tx.now());
    let reserved = sqlx::query!(
        r#"
        WITH granted AS (
            UPDATE token_budgets
            SET reserved = reserved + $4
            WHERE organization_id = $1 AND month = $2 AND used + reserved + $4 <= $5
            RETURNING organization_id, month
        )
        INSERT INTO token_reservations (id, organization_id, month, tokens, expires_at)
        SELECT $3, organization_id, month, $4, $6 FROM granted
        "#,
        organization as OrganizationId,
        this_month,
        id,
        column(tokens),
        limit,
        expires_at,
    )
    .execute(tx)
    .await?;
    Ok(reserved.rows_affected() == 1)
}

/// Replaces the reservation `id` by what the call used, also if the reservation has expired and was released.
pub async fn settle(
    tx: &mut Tx,
    organization: OrganizationId,
    id: Uuid,
    usage: &Usage<'_>,
) -> sqlx::Result<()> {
    let month = end(tx, organization, id, usage.tokens()).await?;
    usage_days::add(tx, organization, month, usage).await
}

/// Ends the reservation `id` of a call that used nothing.
pub async fn cancel(tx: &mut Tx, organization: OrganizationId, id: Uuid) -> sqlx::Result<()> {
    end(tx, organization, id, 0).await.map(drop)
}

/// Returns the month in which the tokens count: that of the reservation.
async fn end(tx: &mut Tx, organization: OrganizationId, id: Uuid, used: i64) -> sqlx::Result<NaiveDate> {
    let this_month = month(tx.now());
    sqlx::query_scalar!(
        r#"
        WITH ended AS (
            DELETE FROM token_reservations WHERE organization_id = $1 AND id = $2 RETURNING month, tokens
        )
        INSERT INTO token_budgets AS b (organization_id, month, used)
        VALUES ($1, coalesce((SELECT month FROM ended), $3), $4)
        ON CONFLICT (organization_id, month) DO UPDATE
        SET used = b.used + excluded.used, reserved = b.reserved - coalesce((SELECT tokens FROM ended), 0)
        RETURNING month
        "#,
        organization as OrganizationId,
        id,
        this_month,
        used,
    )
    .fetch_one(tx)
    .await
}

/// Releases what expired reservations have reserved: those of `organization`, or all if it is `None`. Skips those that a call is
/// settling. Returns how many were released.
pub async fn release_expired(tx: &mut Tx, organization: Option<OrganizationId>) -> sqlx::Result<i64> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"
        WITH expired AS (
            SELECT id FROM token_reservations
            WHERE ($1::uuid IS NULL OR organization_id = $1) AND expires_at <= $2
            FOR UPDATE SKIP LOCKED
        ), released AS (
            DELETE FROM token_reservations WHERE id IN (SELECT id FROM expired)
            RETURNING organization_id, month, tokens
        ), sums AS (
            SELECT organization_id, month, sum(tokens)::bigint AS tokens FROM released GROUP BY organization_id, month
        ), changed AS (
            UPDATE token_budgets b
            SET reserved = b.reserved - s.tokens
            FROM sums s
            WHERE b.organization_id = s.organization_id AND b.month = s.month
        )
        SELECT count(*) AS "released!" FROM released
        "#,
        organization as Option<OrganizationId>,
        now,
    )
    .fetch_one(tx)
    .await
}
