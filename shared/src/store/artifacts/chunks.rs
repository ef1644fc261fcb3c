//! Statements that read the text of one artifact.

use crate::{
    db::Tx,
    domain::{
        artifact_chunk::ArtifactChunk,
        ids::{ArtifactId, ChunkId, OrganizationId},
    },
};

/// A chunk of an artifact.
#[derive(Debug, Clone, Copy)]
pub enum Around {
    /// Its place in the artifact, from 0.
    Ordinal(i32),
    Chunk(ChunkId),
}

/// Returns the ordinal of a chunk of the artifact, if there is such a chunk.
pub async fn find_ordinal(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
    around: Around,
) -> sqlx::Result<Option<i32>> {
    let (ordinal, id) = match around {
        Around::Ordinal(ordinal) => (Some(ordinal), None),
        Around::Chunk(id) => (None, Some(id)),
    };
    sqlx::query_scalar!(
        "SELECT ordinal FROM chunks WHERE organization_id = $1 AND artifact_id = $2 AND (ordinal = $3 OR id = $4)",
        organization as OrganizationId,
        artifact as ArtifactId,
        ordinal as Option<i32>,
        id as Option<ChunkId>,
    )
    .fetch_optional(tx)
    .await
}

/// Returns the chunk `ordinal` of the artifact with its neighbours: so many before it, and as many after it.
pub async fn list_chunks(
    tx: &mut Tx,
    organization: OrganizationId,
    artifact: ArtifactId,
    ordinal: i32,
    neighbours: i32,
) -> sqlx::Result<Vec<ArtifactChunk>> {
    sqlx::query_as!(
        ArtifactChunk,
        r#"
        SELECT id AS "id: ChunkId", ordinal, text, heading, page, starts, ends
        FROM chunks
        WHERE organization_id = $1 AND artifact_id = $2 AND ordinal BETWEEN $3::int - $4::int AND $3::int + $4::int
        ORDER BY ordinal
        "#,
        organization as OrganizationId,
        artifact as ArtifactId,
        ordinal,
        neighbours,
    )
    .fetch_all(tx)
    .await
}
