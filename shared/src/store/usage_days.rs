//! The `usage_days` table: what an organization has used of language models, by day.

use chrono::NaiveDate;

use crate::{
    db::Tx,
    domain::{
        ids::OrganizationId,
        usage::{Usage, UsageKind, column, last_day},
    },
};

/// A row of `usage_days`.
#[derive(Debug, Clone)]
pub struct UsageDay {
    pub day: NaiveDate,
    pub kind: UsageKind,
    pub model: String,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    /// The tokens of answers that the model did not report.
    pub estimated_tokens: i64,
    pub cost_micros: i64,
}

/// Returns the use of the organization from the day `from` up to and including the day `to`, the oldest day first.
pub async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    from: NaiveDate,
    to: NaiveDate,
) -> sqlx::Result<Vec<UsageDay>> {
    sqlx::query_as!(
        UsageDay,
        r#"
        SELECT day, kind AS "kind: UsageKind", model, prompt_tokens, completion_tokens, estimated_tokens, cost_micros
        FROM usage_days
        WHERE organization_id = $1 AND day BETWEEN $2 AND $3
        ORDER BY day, kind, model
        "#,
        organization as OrganizationId,
        from,
        to,
    )
    .fetch_all(tx)
    .await
}

/// Adds `usage` to today's; to the last day of `month`, if that has ended. So the days of a month have the tokens of its budget.
///
/// A call can cost less than a millionth. So its cost is the difference between what the tokens of the day cost with and without it: no
/// fraction is lost, and a new price is not applied to earlier tokens.
pub async fn add(
    tx: &mut Tx,
    organization: OrganizationId,
    month: NaiveDate,
    usage: &Usage<'_>,
) -> sqlx::Result<()> {
    let day = tx.now().date_naive().min(last_day(month));
    let estimated = if usage.estimated { usage.tokens() } else { 0 };
    sqlx::query!(
        r#"
        INSERT INTO usage_days AS d
            (organization_id, day, kind, model, prompt_tokens, completion_tokens, estimated_tokens, cost_micros)
        VALUES ($1, $2, $3, $4, $5, $6, $9, div($5::bigint * $7::bigint::numeric + $6::bigint * $8::bigint::numeric, 1000000))
        ON CONFLICT (organization_id, day, kind, model) DO UPDATE
        SET prompt_tokens = d.prompt_tokens + excluded.prompt_tokens,
            completion_tokens = d.completion_tokens + excluded.completion_tokens,
            estimated_tokens = d.estimated_tokens + excluded.estimated_tokens,
            cost_micros = d.cost_micros
                + div((d.prompt_tokens + excluded.prompt_tokens) * $7::bigint::numeric
                      + (d.completion_tokens + excluded.completion_tokens) * $8::bigint::numeric, 1000000)
                - div(d.prompt_tokens * $7::bigint::numeric + d.completion_tokens * $8::bigint::numeric, 1000000)
        "#,
        organization as OrganizationId,
        day,
        usage.kind.as_str(),
        usage.model,
        column(usage.prompt_tokens),
        column(usage.completion_tokens),
        usage.price.prompt,
        usage.price.completion,
        estimated,
    )
    .execute(tx)
    .await
    .map(drop)
}
