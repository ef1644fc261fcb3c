//! What one index on the vectors of all organizations would find: the reason why the schema has no such index.

use std::time::{Duration, Instant};

use anyhow::Result;
use shared::domain::vector::to_text;
use sqlx::{AssertSqlSafe, Executor, PgPool};
use uuid::Uuid;

use super::{Query, TOP, progress};

/// 50 organizations of 2,000 chunks: each has 2 % of the rows.
const ORGANIZATIONS: i64 = 50;
/// Organizations that search.
const SEARCHING: usize = 5;
/// Queries of each.
const QUERIES: usize = 40;

const STATEMENT: &str = "SELECT chunk_id FROM together WHERE organization_id = $1 ORDER BY embedding <#> $2::text::halfvec(768) LIMIT $3";

/// The settings that are tried, one after the other. Each keeps those before it.
const SETTINGS: [(&str, &str); 5] = [
    ("HNSW, as installed", "SET enable_sort = off"),
    ("… `iterative_scan = strict_order`", "SET hnsw.iterative_scan = strict_order"),
    ("… and `ef_search = 200`", "SET hnsw.ef_search = 200"),
    (
        "… `iterative_scan = relaxed_order`, `max_scan_tuples = 100000`",
        "SET hnsw.iterative_scan = relaxed_order; SET hnsw.max_scan_tuples = 100000",
    ),
    ("no index on vectors", "SET enable_indexscan = off; SET enable_sort = on"),
];

/// What was found under one setting.
pub struct Figure {
    pub name: &'static str,
    /// From 0 to 1.
    pub recall: f64,
    /// Searches that found nothing.
    pub empty: usize,
    pub searches: usize,
    pub times: Vec<Duration>,
}

/// Builds the index on a copy of 100,000 rows, and searches.
pub async fn run(pool: &PgPool, queries: &[Query]) -> Result<Vec<Figure>> {
    let mut connection = pool.acquire().await?;
    let began = Instant::now();
    for statement in [
        format!(
            "CREATE TABLE together AS SELECT v.chunk_id, v.organization_id, v.embedding FROM chunk_vectors v
             WHERE v.organization_id IN (SELECT id FROM organizations WHERE slug LIKE 'other-%' ORDER BY id LIMIT {ORGANIZATIONS})"
        ),
        "CREATE INDEX ON together (organization_id)".to_owned(),
        "SET maintenance_work_mem = '1GB'".to_owned(),
        "SET statement_timeout = 0".to_owned(),
        "CREATE INDEX ON together USING hnsw (embedding halfvec_ip_ops)".to_owned(),
        "ANALYZE together".to_owned(),
    ] {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    progress(&format!("HNSW of 100,000 vectors built, {:.0} s", began.elapsed().as_secs_f64()));
    let organizations: Vec<Uuid> =
        sqlx::query_scalar("SELECT DISTINCT organization_id FROM together ORDER BY 1 LIMIT $1")
            .bind(i64::try_from(SEARCHING)?)
            .fetch_all(&mut *connection)
            .await?;
    let mut searches = Vec::new();
    connection.execute("SET enable_indexscan = off").await?;
    for organization in &organizations {
        for query in &queries[..QUERIES] {
            let vector = to_text(&query.vector);
            let nearest = search(&mut connection, *organization, &vector).await?;
            searches.push((*organization, vector, nearest));
        }
    }
    connection.execute("SET enable_indexscan = on").await?;
    let mut figures = Vec::new();
    for (name, setting) in SETTINGS {
        connection.execute(sqlx::raw_sql(setting)).await?;
        let (mut found, mut wanted, mut empty, mut times) = (0, 0, 0, Vec::new());
        for (organization, vector, nearest) in &searches {
            let began = Instant::now();
            let chunks = search(&mut connection, *organization, vector).await?;
            times.push(began.elapsed());
            found += chunks.iter().filter(|chunk| nearest.contains(chunk)).count();
            wanted += nearest.len();
            empty += usize::from(chunks.is_empty());
        }
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let recall = found as f64 / wanted as f64;
        figures.push(Figure { name, recall, empty, searches: searches.len(), times });
    }
    Ok(figures)
}

async fn search(connection: &mut sqlx::PgConnection, organization: Uuid, vector: &str) -> Result<Vec<Uuid>> {
    // Not prepared: a plan for any organization would ignore how many rows this one has.
    let query = sqlx::query_scalar(STATEMENT).persistent(false);
    Ok(query.bind(organization).bind(vector).bind(TOP).fetch_all(connection).await?)
}
