//! The `message_sources` table: the passages that a model was given for an answer. They are read together with their message.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    db::Tx,
    domain::{
        conversation::Retrieval,
        ids::{ArtifactId, ChunkId, MessageId, MessageSourceId, OrganizationId},
    },
};

/// A passage that a model was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageSource)]
pub struct Source {
    /// Its number in the answer.
    #[schema(minimum = 1, maximum = 50)]
    pub n: i16,
    /// Null once the artifact is removed.
    pub artifact_id: Option<ArtifactId>,
    pub chunk_id: ChunkId,
    /// The name of the artifact at that time.
    #[schema(example = "Handbook.pdf", min_length = 1, max_length = 255)]
    pub name: String,
    /// The page on which the passage begins, from 1; null if the file has no pages.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub page: Option<i32>,
    /// The passage. Null once the artifact is deleted.
    #[schema(max_length = 10_000)]
    pub quote: Option<String>,
}

/// Inserts the sources of an answer that a model is about to write, and how they were found. Not in a deleted conversation.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    message: MessageId,
    retrieval: Retrieval,
    sources: &[Source],
) -> sqlx::Result<()> {
    let found = sqlx::query!(
        r#"
        UPDATE messages m
        SET retrieval = $3
        FROM conversations c
        WHERE m.organization_id = $1 AND m.id = $2 AND m.status = 'streaming' AND c.id = m.conversation_id AND c.deleted_at IS NULL
        "#,
        organization as OrganizationId,
        message as MessageId,
        retrieval.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    if found.rows_affected() == 0 || sources.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = sources.iter().map(|_| MessageSourceId::new().0).collect();
    let numbers: Vec<_> = sources.iter().map(|source| source.n).collect();
    let artifacts: Vec<_> = sources.iter().map(|source| source.artifact_id.map(Uuid::from)).collect();
    let chunks: Vec<_> = sources.iter().map(|source| source.chunk_id.0).collect();
    let names: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
    let pages: Vec<_> = sources.iter().map(|source| source.page).collect();
    let quotes: Vec<_> = sources.iter().map(|source| source.quote.clone()).collect();
    // An artifact that was removed since the search is left out.
    sqlx::query!(
        r#"
        INSERT INTO message_sources (id, organization_id, message_id, n, artifact_id, chunk_id, artifact_name, page, quote)
        SELECT s.id, $1, $2, s.n, a.id, s.chunk_id, s.name, s.page, CASE WHEN a.deleted_at IS NULL THEN s.quote END
        FROM unnest($3::uuid[], $4::smallint[], $5::uuid[], $6::uuid[], $7::text[], $8::integer[], $9::text[])
                 AS s (id, n, artifact_id, chunk_id, name, page, quote)
        JOIN artifacts a ON a.id = s.artifact_id AND a.organization_id = $1
        "#,
        organization as OrganizationId,
        message as MessageId,
        &ids,
        &numbers,
        &artifacts as &[Option<Uuid>],
        &chunks,
        &names,
        &pages as &[Option<i32>],
        &quotes as &[Option<String>],
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Removes the passages of a deleted artifact from all answers of the organization.
pub async fn remove_quotes(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE message_sources SET quote = NULL WHERE organization_id = $1 AND artifact_id = $2",
        organization as OrganizationId,
        artifact as ArtifactId,
    )
    .execute(tx)
    .await
    .map(drop)
}
