//! The write side of the `chunks` and `chunk_vectors` tables. Lock the artifact first. The read side is [`super::search`].

use super::organization_totals;
use crate::{
    db::Tx,
    domain::{
        chunking::Chunk,
        ids::{ArtifactId, ChunkId, OrganizationId},
        vector,
    },
};

/// A chunk without a vector.
#[derive(Debug, Clone)]
pub struct Pending {
    pub id: ChunkId,
    pub text: String,
}

/// Returns the number of the artifact's chunks, and a SHA-256 of their texts in their order.
///
/// The chunks of an artifact are inserted in their order. So an interrupted indexing finds out where it stopped, and whether what is
/// stored is the beginning of the same chunks.
pub async fn count_and_hash(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
) -> sqlx::Result<(i64, Vec<u8>)> {
    let found = sqlx::query!(
        r#"
        SELECT count(*) AS "count!", sha256(coalesce(string_agg(convert_to(text, 'UTF8'), '' ORDER BY ordinal), '')) AS "hash!"
        FROM chunks
        WHERE organization_id = $1 AND artifact_id = $2
        "#,
        organization as OrganizationId,
        artifact as ArtifactId,
    )
    .fetch_one(tx)
    .await?;
    Ok((found.count, found.hash))
}

/// Returns the number of the artifact's chunks.
pub async fn count(tx: &mut Tx, organization: OrganizationId, artifact: ArtifactId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM chunks WHERE organization_id = $1 AND artifact_id = $2"#,
        organization as OrganizationId,
        artifact as ArtifactId,
    )
    .fetch_one(tx)
    .await
}

/// Inserts chunks of an artifact. `language` is the text search configuration of their terms.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
    language: &str,
    chunks: &[Chunk],
) -> sqlx::Result<()> {
    let ids: Vec<_> = chunks.iter().map(|_| ChunkId::new().0).collect();
    let ordinals: Vec<_> = chunks.iter().map(|chunk| chunk.ordinal).collect();
    let texts: Vec<_> = chunks.iter().map(|chunk| chunk.text.clone()).collect();
    let headings: Vec<_> = chunks.iter().map(|chunk| chunk.heading.clone()).collect();
    let pages: Vec<_> = chunks.iter().map(|chunk| chunk.page).collect();
    let starts: Vec<_> = chunks.iter().map(|chunk| chunk.starts).collect();
    let ends: Vec<_> = chunks.iter().map(|chunk| chunk.ends).collect();
    sqlx::query!(
        r#"
        INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, heading, page, starts, ends, terms)
        SELECT c.id, $1, $2, c.ordinal, c.text, c.heading, c.page, c.starts, c.ends,
               to_tsvector($3::text::regconfig, concat_ws(' ', c.heading, c.text))
        FROM unnest($4::uuid[], $5::int[], $6::text[], $7::text[], $8::int[], $9::int[], $10::int[])
            AS c (id, ordinal, text, heading, page, starts, ends)
        "#,
        organization as OrganizationId,
        artifact as ArtifactId,
        language,
        &ids,
        &ordinals,
        &texts,
        &headings as &[Option<String>],
        &pages as &[Option<i32>],
        &starts,
        &ends,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Deletes the chunks of an artifact, and their vectors. Returns their number. The caller takes them out of `organization_totals`.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, artifact: ArtifactId) -> sqlx::Result<i64> {
    let deleted = sqlx::query!(
        "DELETE FROM chunks WHERE organization_id = $1 AND artifact_id = $2",
        organization as OrganizationId,
        artifact as ArtifactId,
    )
    .execute(tx)
    .await?;
    Ok(deleted.rows_affected().cast_signed())
}

/// Deletes the chunks of an artifact, and their vectors, and no longer counts them.
pub async fn delete_counted(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
) -> sqlx::Result<()> {
    let deleted = delete(tx, organization, artifact).await?;
    organization_totals::add_chunks(tx, organization, -deleted, i64::MAX).await.map(drop)
}

/// Returns the first `limit` chunks of an artifact that have no vector in `space`.
pub async fn list_pending(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
    space: i16,
    limit: i64,
) -> sqlx::Result<Vec<Pending>> {
    sqlx::query_as!(
        Pending,
        r#"
        SELECT c.id AS "id: ChunkId", c.text
        FROM chunks c
        WHERE c.organization_id = $1 AND c.artifact_id = $2
          AND NOT EXISTS (SELECT 1 FROM chunk_vectors v WHERE v.chunk_id = c.id AND v.space = $3)
        ORDER BY c.ordinal
        LIMIT $4
        "#,
        organization as OrganizationId,
        artifact as ArtifactId,
        space,
        limit,
    )
    .fetch_all(tx)
    .await
}

/// Returns whether a chunk of the artifact has no vector in `space`.
pub async fn lack_vectors(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
    space: i16,
) -> sqlx::Result<bool> {
    Ok(!list_pending(tx, organization, artifact, space, 1).await?.is_empty())
}

/// Inserts the vectors of chunks. Skips chunks that have one in `space`.
pub async fn insert_vectors(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
    space: i16,
    vectors: &[(ChunkId, Vec<f32>)],
) -> sqlx::Result<()> {
    let chunks: Vec<_> = vectors.iter().map(|(chunk, _)| chunk.0).collect();
    let texts: Vec<_> = vectors.iter().map(|(_, numbers)| vector::to_text(numbers)).collect();
    sqlx::query!(
        r#"
        INSERT INTO chunk_vectors (chunk_id, organization_id, artifact_id, space, embedding)
        SELECT v.chunk_id, $1, $2, $3, v.embedding::halfvec(768)
        FROM unnest($4::uuid[], $5::text[]) AS v (chunk_id, embedding)
        ON CONFLICT (chunk_id, space) DO NOTHING
        "#,
        organization as OrganizationId,
        artifact as ArtifactId,
        space,
        &chunks,
        &texts,
    )
    .execute(tx)
    .await
    .map(drop)
}
