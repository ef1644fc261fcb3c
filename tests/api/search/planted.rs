//! Artifacts with chunks and vectors, written to the tables as `index` writes them.

use std::time::Duration;

use harness::TestApp;
use shared::{
    domain::{deadline::Deadline, vector},
    http_client::embeddings::Embeddings,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// An artifact to be planted.
pub struct Artifact<'a> {
    pub language: &'a str,
    pub status: &'a str,
    pub texts: &'a [&'a str],
}

/// An artifact that was planted.
pub struct Planted {
    pub id: Uuid,
    pub chunks: Vec<Uuid>,
}

/// Returns the id at the end of the path of an organization.
pub fn id_of(organization: &str) -> Uuid {
    organization.rsplit('/').next().and_then(|id| id.parse().ok()).expect("the path of an organization")
}

/// Plants a ready artifact in English.
pub async fn plant(app: &TestApp, organization: &str, texts: &[&str]) -> Planted {
    plant_artifact(app, organization, &Artifact { language: "english", status: "ready", texts }).await
}

/// Plants an artifact with one chunk of each text.
pub async fn plant_artifact(app: &TestApp, organization: &str, artifact: &Artifact<'_>) -> Planted {
    let (organization, id, pool) = (id_of(organization), Uuid::now_v7(), app.database.pool());
    let stage = (artifact.status == "processing").then_some("indexing");
    let failure = (artifact.status == "failed").then_some("indexing-failed");
    sqlx::query(
        "INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, stage, failure, language,
                                progressed_at, created_at, updated_at)
         VALUES ($1, $2, 'Handbook', 'text/plain', 1, sha256($1::text::bytea), $3, $4, $5, $6, now(), now(), now())",
    )
    .bind(id)
    .bind(organization)
    .bind(artifact.status)
    .bind(stage)
    .bind(failure)
    .bind(artifact.language)
    .execute(pool)
    .await
    .expect("an artifact");
    let space = space(app).await;
    let mut chunks = Vec::new();
    for (ordinal, (text, vector)) in artifact.texts.iter().zip(embed(app, artifact.texts).await).enumerate() {
        let chunk = Uuid::now_v7();
        sqlx::query(
            "WITH chunk AS (
                 INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, heading, page, starts, ends, terms)
                 VALUES ($1, $2, $3, $4, $5, 'Chapter', 1, $4 * 1000, $4 * 1000 + length($5), to_tsvector($6::regconfig, $5))
                 RETURNING id
             ), total AS (
                 INSERT INTO organization_totals (organization_id, artifacts, bytes, chunks) VALUES ($2, 1, 1, 1)
                 ON CONFLICT (organization_id) DO UPDATE SET chunks = organization_totals.chunks + 1
             )
             INSERT INTO chunk_vectors (chunk_id, organization_id, artifact_id, space, embedding)
             SELECT $1, $2, $3, $7, $8::text::halfvec(768)",
        )
        .bind(chunk)
        .bind(organization)
        .bind(id)
        .bind(i32::try_from(ordinal).expect("a few texts"))
        .bind(*text)
        .bind(artifact.language)
        .bind(space)
        .bind(vector::to_text(&vector))
        .execute(pool)
        .await
        .expect("a chunk");
        chunks.push(chunk);
    }
    Planted { id, chunks }
}

/// Returns the number of the space of the model of `app`.
pub async fn space(app: &TestApp) -> i16 {
    let models = &app.state.app.config.models;
    sqlx::query_scalar(
        "INSERT INTO embedding_spaces (model, dimensions) VALUES ($1, $2)
         ON CONFLICT (model, dimensions) DO UPDATE SET model = excluded.model RETURNING id",
    )
    .bind(&models.embedding_model)
    .bind(models.embedding_dimensions.cast_signed())
    .fetch_one(app.database.pool())
    .await
    .expect("a space")
}

/// Returns the vectors of `texts`, by the model of `app`.
pub async fn embed(app: &TestApp, texts: &[&str]) -> Vec<Vec<f32>> {
    let state = &app.state.app;
    let model = Embeddings::new(&state.config, state.secrets.clone(), None);
    let mut vectors = Vec::new();
    for batch in texts.chunks(64) {
        let embedded = model.embed(batch, Deadline::after(Duration::from_mins(2))).await;
        vectors.extend(embedded.expect("vectors").vectors);
    }
    vectors
}

/// Creates a label in the organization, and gives it to the artifact.
pub async fn label(app: &TestApp, organization: &str, artifact: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "WITH label AS (
             INSERT INTO labels (id, organization_id, name, created_at, updated_at) VALUES ($1, $2, $1::text, now(), now())
         )
         INSERT INTO artifact_labels (artifact_id, label_id, organization_id) VALUES ($3, $1, $2)",
    )
    .bind(id)
    .bind(id_of(organization))
    .bind(artifact)
    .execute(app.database.pool())
    .await
    .expect("a label");
    id
}

/// Executes a statement that a test has built.
pub async fn execute(app: &TestApp, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(app.database.pool())
        .await
        .expect("a valid statement");
}
