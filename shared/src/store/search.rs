//! The search in `chunks` and `chunk_vectors`.

use crate::{
    db::Tx,
    domain::{
        artifact_chunk::ArtifactChunk,
        ids::{ArtifactId, ChunkId, LabelId, OrganizationId},
        vector,
    },
};

/// Up to this many chunks of an organization, all its vectors are compared. Above it, the nearest codes are, and then their vectors
/// (`docs/adr/0034-search-without-a-global-index.md`).
pub const EXACT_UP_TO: i64 = 20_000;

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Searches by meaning: a vector of length 1, of the space of `model` and `dimensions`. `None` for a search by words only.
    pub vector: Option<&'a [f32]>,
    pub model: &'a str,
    pub dimensions: i32,
    /// Searches by words. `None` for a search by meaning only.
    pub words: Option<&'a str>,
    /// Only artifacts with one of these labels.
    pub labels: Option<&'a [LabelId]>,
    /// Only these artifacts.
    pub artifacts: Option<&'a [ArtifactId]>,
    pub limit: i64,
    /// [`EXACT_UP_TO`]
    pub exact_up_to: i64,
}

/// A chunk that was found.
#[derive(Debug, Clone)]
pub struct Found {
    pub artifact_id: ArtifactId,
    pub artifact_name: String,
    pub chunk: ArtifactChunk,
    /// The sum of `1 / (60 + rank)` over both ranks (reciprocal rank fusion).
    pub score: f64,
    /// The place among the chunks with the nearest meaning, from 1.
    pub semantic: Option<i64>,
    /// The place among the chunks with the words, from 1.
    pub keyword: Option<i64>,
    /// The negative inner product of the vectors.
    pub distance: Option<f64>,
    /// The frequency and the nearness of the words in the chunk.
    pub frequency: Option<f32>,
}

/// Returns the chunks of the organization's ready artifacts that fit best, the best one first.
///
/// One statement, because each costs a round trip. Each part is planned on its own; the one that is not wanted is not run. The vector is
/// cast in a materialized expression: elsewhere, a generic plan casts it again for each row. `+ 0` keeps the order from any index on
/// vectors, which would leave rows of a small organization out. A condition on the organization stands at each table with its rows.
pub async fn search(
    tx: &mut Tx,
    organization: OrganizationId,
    search: &Search<'_>,
) -> sqlx::Result<Vec<Found>> {
    let vector = search.vector.map(vector::to_text);
    let rows = sqlx::query!(
        r#"
        WITH vector AS MATERIALIZED (
            SELECT $2::text::halfvec(768) AS embedding, binary_quantize($2::text::halfvec(768))::bit(768) AS code
        ), space AS MATERIALIZED (
            SELECT id AS number FROM embedding_spaces WHERE model = $3 AND dimensions = $4 AND $2::text IS NOT NULL
        ), size AS MATERIALIZED (
            SELECT coalesce((SELECT chunks FROM organization_totals WHERE organization_id = $1), 0) <= $8 AS is_small
        ), searched AS MATERIALIZED (
            SELECT a.id AS artifact_id, a.language FROM artifacts a
            WHERE a.organization_id = $1 AND a.status = 'ready' AND a.deleted_at IS NULL
              AND ($6::uuid[] IS NULL
                   OR EXISTS (SELECT 1 FROM artifact_labels l WHERE l.artifact_id = a.id AND l.label_id = ANY($6)))
              AND ($7::uuid[] IS NULL OR a.id = ANY($7))
        ), exact AS (
            SELECT * FROM (
                SELECT v.chunk_id, v.embedding <#> (SELECT embedding FROM vector) AS distance
                FROM chunk_vectors v JOIN searched a ON a.artifact_id = v.artifact_id
                WHERE v.organization_id = $1 AND v.space = (SELECT number FROM space)
                ORDER BY (v.embedding <#> (SELECT embedding FROM vector)) + 0 LIMIT 50
            ) nearest WHERE (SELECT is_small FROM size)
        ), candidates AS MATERIALIZED (
            SELECT * FROM (
                SELECT v.chunk_id FROM chunk_vectors v JOIN searched a ON a.artifact_id = v.artifact_id
                WHERE v.organization_id = $1 AND v.space = (SELECT number FROM space)
                ORDER BY v.code <~> (SELECT code FROM vector) LIMIT 800
            ) nearest WHERE NOT (SELECT is_small FROM size)
        ), coded AS (
            SELECT v.chunk_id, v.embedding <#> (SELECT embedding FROM vector) AS distance
            FROM candidates c JOIN chunk_vectors v ON v.chunk_id = c.chunk_id AND v.space = (SELECT number FROM space)
            ORDER BY distance LIMIT 50
        ), semantic AS (
            SELECT chunk_id, distance, row_number() OVER (ORDER BY distance, chunk_id) AS place
            FROM (SELECT * FROM exact UNION ALL SELECT * FROM coded) nearest
        ), words AS MATERIALIZED (
            SELECT language, websearch_to_tsquery(language::regconfig, $5) AS query
            FROM (SELECT DISTINCT language FROM searched) spoken WHERE $5::text IS NOT NULL
        ), matches AS (
            SELECT c.id AS chunk_id, ts_rank_cd(c.terms, w.query) AS frequency
            FROM words w JOIN chunks c ON c.organization_id = $1 AND c.terms @@ w.query
                 JOIN searched a ON a.artifact_id = c.artifact_id AND a.language = w.language
            -- Without a word that must occur, an index cannot find it.
            WHERE querytree(w.query) NOT IN ('', 'T')
            LIMIT 2000
        ), keyword AS (
            SELECT chunk_id, frequency, row_number() OVER (ORDER BY frequency DESC, chunk_id) AS place
            FROM matches ORDER BY frequency DESC, chunk_id LIMIT 50
        ), fused AS (
            SELECT coalesce(s.chunk_id, k.chunk_id) AS chunk_id, s.place AS semantic, k.place AS keyword, s.distance, k.frequency,
                   coalesce(1.0::float8 / (60 + s.place), 0) + coalesce(1.0::float8 / (60 + k.place), 0) AS score
            FROM semantic s FULL JOIN keyword k ON k.chunk_id = s.chunk_id
            ORDER BY score DESC, coalesce(s.chunk_id, k.chunk_id) LIMIT $9
        )
        SELECT c.id AS "id: ChunkId", c.artifact_id AS "artifact_id: ArtifactId", a.name, c.ordinal, c.page, c.heading,
               c.starts, c.ends, c.text, f.score AS "score!", f.semantic, f.keyword, f.distance, f.frequency
        FROM fused f JOIN chunks c ON c.id = f.chunk_id AND c.organization_id = $1
             JOIN artifacts a ON a.id = c.artifact_id AND a.organization_id = $1
        ORDER BY f.score DESC, f.chunk_id
        "#,
        organization as OrganizationId,
        vector,
        search.model,
        search.dimensions,
        search.words,
        search.labels as Option<&[LabelId]>,
        search.artifacts as Option<&[ArtifactId]>,
        search.exact_up_to,
        search.limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Found {
            artifact_id: row.artifact_id,
            artifact_name: row.name,
            chunk: ArtifactChunk {
                id: row.id,
                ordinal: row.ordinal,
                page: row.page,
                heading: row.heading,
                starts: row.starts,
                ends: row.ends,
                text: row.text,
            },
            score: row.score,
            semantic: row.semantic,
            keyword: row.keyword,
            distance: row.distance,
            frequency: row.frequency,
        })
        .collect())
}
