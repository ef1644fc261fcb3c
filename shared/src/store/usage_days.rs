//! The `usage_days` table: what an organization has used of language models, by day.

use crate::{
    db::Tx,
    domain::{
        ids::OrganizationId,
        usage::{Usage, column},
    },
};

/// Adds `usage` to today's.
pub async fn add(tx: &mut Tx, organization: OrganizationId, usage: &Usage<'_>) -> sqlx::Result<()> {
    let today = tx.now().date_naive();
    sqlx::query!(
        r#"
        INSERT INTO usage_days AS d (organization_id, day, kind, model, prompt_tokens, completion_tokens, cost_micros)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (organization_id, day, kind, model) DO UPDATE
        SET prompt_tokens = d.prompt_tokens + excluded.prompt_tokens,
            completion_tokens = d.completion_tokens + excluded.completion_tokens,
            cost_micros = d.cost_micros + excluded.cost_micros
        "#,
        organization as OrganizationId,
        today,
        usage.kind.as_str(),
        usage.model,
        column(usage.prompt_tokens),
        column(usage.completion_tokens),
        column(usage.cost_micros),
    )
    .execute(tx)
    .await
    .map(drop)
}
