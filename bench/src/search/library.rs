//! The rows that are searched: organizations of several sizes beside many others, in one table.

use anyhow::{Context, Result, ensure};
use local_stack::model;
use shared::domain::{ids::OrganizationId, vector};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// The real paragraphs. Up to this size, an organization has nothing else.
pub const REAL: usize = 9_000;
/// The chunks of the measured organizations.
pub const SIZES: [i64; 6] = [1_000, 5_000, 20_000, 50_000, 200_000, 500_000];
/// The chunks of all others.
pub const OTHERS: i64 = 500_000;
/// The chunks of each other organization.
const EACH: i64 = 2_000;
/// Rows of one INSERT.
const BATCH: usize = 500;

/// The tables from which rows are drawn.
const SOURCES: &str = "
    CREATE TABLE real (n int PRIMARY KEY, text text NOT NULL, e halfvec(768) NOT NULL, terms tsvector);
    CREATE TABLE noise AS
        SELECT n, (SELECT array_agg(random_normal(0, (0.5 + n % 1000 / 1000.0) / sqrt($dimensions)) * (i <= $dimensions)::int ORDER BY i)
                   FROM generate_series(1, 768) i WHERE n = n)::halfvec(768) AS e
        FROM generate_series(0, 4999) n;
    ALTER TABLE noise ADD PRIMARY KEY (n)";

/// Fills the tables. Artifacts have 50 chunks each and lie in any order, as they would after they came in over time. A drawn row has the
/// vector of a real paragraph plus noise, at a cosine of 0.9 to 0.55, and the text of the paragraph.
const FILL: &str = "
    UPDATE real SET terms = to_tsvector('english', text);
    INSERT INTO organizations (id, name, slug, created_at, updated_at)
    SELECT uuidv7(), 'Other', 'other-' || n, now(), now() FROM generate_series(1, $others / $each) n;
    CREATE TABLE sizes AS
        SELECT id, $each AS chunks FROM organizations WHERE slug LIKE 'other-%'
        UNION ALL SELECT id, chunks FROM measured;
    CREATE TABLE planned AS
        SELECT a.organization, a.artifact, uuidv7() AS chunk, k AS ordinal,
               -- Which real paragraph, and whether it is that paragraph itself.
               CASE WHEN a.place * 50 + k < $real AND a.chunks <> $each THEN a.place * 50 + k
                    ELSE (hashint8(a.seed + a.place * 50 + k) & 2147483647) % $real END AS n,
               a.place * 50 + k < $real AND a.chunks <> $each AS is_real,
               (hashint8(a.seed + a.place * 50 + k + 7) & 2147483647) % 5000 AS z,
               a.shuffled
        FROM (SELECT id AS organization, chunks, uuidv7() AS artifact, place, hashtext(id::text)::bigint * 1000003 AS seed,
                     md5(id::text || place) AS shuffled
              FROM sizes, generate_series(0, chunks / 50 - 1) place) a,
             generate_series(0, 49) k;
    INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, language, duplicate_allowed,
                           progressed_at, created_at, updated_at)
    SELECT artifact, organization, 'Docs', 'text/plain', 1, sha256(artifact::text::bytea), 'ready', 'english', true, now(), now(), now()
    FROM planned WHERE ordinal = 0;
    INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, starts, ends, terms)
    SELECT p.chunk, p.organization, p.artifact, p.ordinal, r.text, 0, 1, r.terms
    FROM planned p JOIN real r USING (n) ORDER BY p.shuffled, p.ordinal;
    INSERT INTO embedding_spaces (model, dimensions) VALUES ('$model', $dimensions);
    INSERT INTO chunk_vectors (chunk_id, organization_id, artifact_id, space, embedding)
    SELECT p.chunk, p.organization, p.artifact, 1, CASE WHEN is_real THEN r.e ELSE l2_normalize(r.e + noise.e) END
    FROM planned p JOIN real r USING (n) JOIN noise ON noise.n = p.z ORDER BY p.shuffled, p.ordinal;
    INSERT INTO organization_totals (organization_id, chunks) SELECT id, chunks FROM sizes;
    DROP TABLE planned";

/// Fills the database for `organizations`, of which the first has the first of [`SIZES`].
pub async fn fill(pool: &PgPool, organizations: &[OrganizationId], real: &[(&str, &[f32])]) -> Result<()> {
    ensure!(real.len() == REAL && organizations.len() == SIZES.len(), "all paragraphs and all organizations");
    let mut connection = pool.acquire().await?;
    let replaced = |sql: &str| {
        [
            ("$dimensions", model::DIMENSIONS.to_string()),
            ("$real", REAL.to_string()),
            ("$others", OTHERS.to_string()),
            ("$each", EACH.to_string()),
            ("$model", model::NAME.to_owned()),
        ]
        .into_iter()
        .fold(sql.to_owned(), |sql, (name, value)| sql.replace(name, &value))
    };
    sqlx::raw_sql(AssertSqlSafe(format!("SELECT setseed(0.5); {}", replaced(SOURCES))))
        .execute(&mut *connection)
        .await?;
    for (batch, rows) in real.chunks(BATCH).enumerate() {
        let numbers: Vec<i32> =
            (0..rows.len()).map(|row| i32::try_from(batch * BATCH + row)).collect::<Result<_, _>>()?;
        let texts: Vec<&str> = rows.iter().map(|(text, _)| *text).collect();
        let vectors: Vec<String> = rows.iter().map(|(_, vector)| vector::to_text(&padded(vector))).collect();
        sqlx::query("INSERT INTO real (n, text, e) SELECT n, t, v::halfvec(768) FROM unnest($1::int[], $2::text[], $3::text[]) u (n, t, v)")
            .bind(numbers)
            .bind(texts)
            .bind(vectors)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::raw_sql("CREATE TABLE measured (id uuid, chunks bigint)").execute(&mut *connection).await?;
    for (organization, chunks) in organizations.iter().zip(SIZES) {
        sqlx::query("INSERT INTO measured VALUES ($1, $2)")
            .bind(organization.0)
            .bind(chunks)
            .execute(&mut *connection)
            .await?;
    }
    for statement in replaced(FILL).split(";\n") {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *connection).await?;
    }
    // As autovacuum does in a database that grew over time. Commits that are not on disk yet would keep it from its work.
    sqlx::raw_sql("CHECKPOINT").execute(&mut *connection).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut *connection).await?;
    Ok(())
}

/// Returns a vector as it is stored.
pub fn padded(vector: &[f32]) -> Vec<f32> {
    let mut padded = vector.to_vec();
    padded.resize(vector::DIMENSIONS, 0.0);
    padded
}

/// Returns the chunks with the nearest vectors: a statement that compares each of them, in one table that has no index on vectors.
pub async fn nearest(
    pool: &PgPool,
    organization: OrganizationId,
    vector: &str,
    count: i64,
) -> Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "WITH q AS MATERIALIZED (SELECT $2::text::halfvec(768) AS e)
         SELECT v.chunk_id FROM chunk_vectors v WHERE v.organization_id = $1
         ORDER BY v.embedding <#> (SELECT e FROM q), v.chunk_id LIMIT $3",
    )
    .bind(organization.0)
    .bind(vector)
    .bind(count)
    .fetch_all(pool)
    .await
    .context("compare all vectors")
}
