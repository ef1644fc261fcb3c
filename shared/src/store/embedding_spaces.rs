//! The `embedding_spaces` table: the models whose vectors are stored.

use crate::db::Tx;

/// Returns the id of the space of `model`; `None` if no vector of it was ever stored.
pub async fn find(tx: &mut Tx, model: &str, dimensions: i32) -> sqlx::Result<Option<i16>> {
    sqlx::query_scalar!(
        "SELECT id FROM embedding_spaces WHERE model = $1 AND dimensions = $2",
        model,
        dimensions,
    )
    .fetch_optional(tx)
    .await
}

/// Returns the id of the space of `model`. Creates it if it does not exist.
pub async fn find_or_create(tx: &mut Tx, model: &str, dimensions: i32) -> sqlx::Result<i16> {
    if let Some(id) = find(tx, model, dimensions).await? {
        return Ok(id);
    }
    sqlx::query!(
        "INSERT INTO embedding_spaces (model, dimensions) VALUES ($1, $2) ON CONFLICT (model, dimensions) DO NOTHING",
        model,
        dimensions,
    )
    .execute(&mut *tx)
    .await?;
    find(tx, model, dimensions).await?.ok_or(sqlx::Error::RowNotFound)
}
