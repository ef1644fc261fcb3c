//! The `usage_days` table: what an organization has used of language models, by day.

use crate::{
    db::Tx,
    domain::{
        ids::OrganizationId,
        usage::{Usage, column},
    },
};

/// Adds `usage` to today's.
///
/// A call can cost less than a millionth. So its cost is the difference between what the tokens of the day cost with and without it: no
/// fraction is lost, and a new price is not applied to earlier tokens.
pub async fn add(tx: &mut Tx, organization: OrganizationId, usage: &Usage<'_>) -> sqlx::Result<()> {
    let today = tx.now().date_naive();
    sqlx::query!(
        r#"
        INSERT INTO usage_days AS d (organization_id, day, kind, model, prompt_tokens, completion_tokens, cost_micros)
        VALUES ($1, $2, $3, $4, $5, $6, div($5::bigint * $7::bigint::numeric + $6::bigint * $8::bigint::numeric, 1000000))
        ON CONFLICT (organization_id, day, kind, model) DO UPDATE
        SET prompt_tokens = d.prompt_tokens + excluded.prompt_tokens,
            completion_tokens = d.completion_tokens + excluded.completion_tokens,
            cost_micros = d.cost_micros
                + div((d.prompt_tokens + excluded.prompt_tokens) * $7::bigint::numeric
                      + (d.completion_tokens + excluded.completion_tokens) * $8::bigint::numeric, 1000000)
                - div(d.prompt_tokens * $7::bigint::numeric + d.completion_tokens * $8::bigint::numeric, 1000000)
        "#,
        organization as OrganizationId,
        today,
        usage.kind.as_str(),
        usage.model,
        column(usage.prompt_tokens),
        column(usage.completion_tokens),
        usage.price.prompt,
        usage.price.completion,
    )
    .execute(tx)
    .await
    .map(drop)
}
