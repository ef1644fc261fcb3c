//! The plan of the search: it reads the rows of one organization, by indexes.

use harness::Database;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::plans::{plan, statements, whole_tables};

/// 40 organizations with 100 artifacts of 5 chunks each. The first one has twice as many.
const ROWS: &str = "
    INSERT INTO organizations (id, name, slug, created_at, updated_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'O', 'o' || n, now(), now() FROM generate_series(1, 40) n;
    INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, language, duplicate_allowed,
                           progressed_at, created_at, updated_at)
    SELECT uuidv7(), o.id, 'A', 'text/plain', 1, sha256('x'), 'ready', 'english', true, now(), now(), now()
    FROM organizations o, generate_series(1, CASE WHEN o.slug = 'o1' THEN 200 ELSE 100 END);
    INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, starts, ends, terms)
    SELECT uuidv7(), a.organization_id, a.id, n, 'x', 0, 1, to_tsvector('english', 'engine w' || n)
    FROM artifacts a, generate_series(1, 5) n;
    INSERT INTO embedding_spaces (model, dimensions) VALUES ('m', 768);
    INSERT INTO chunk_vectors (chunk_id, organization_id, artifact_id, space, embedding)
    SELECT c.id, c.organization_id, c.artifact_id, 1,
           (array_fill(0.01, ARRAY[767]) || c.ordinal / 5.0)::halfvec(768) FROM chunks c;
    INSERT INTO organization_totals (organization_id, chunks) SELECT organization_id, count(*) FROM chunks GROUP BY 1;";

/// One row: an index would be slower.
const SMALL_TABLES: [&str; 2] = ["embedding_spaces", "organization_totals"];

#[tokio::test]
async fn search_reads_the_rows_of_one_organization_by_indexes() {
    let database = Database::create().await;
    let mut connection = PgConnection::connect(&database.owner_url()).await.expect("a connection");
    connection.execute(sqlx::raw_sql(ROWS)).await.expect("rows");
    // Index-only scans need pages that are known to be visible to all: not before their commit is on disk.
    connection.execute("CHECKPOINT").await.expect("a checkpoint");
    connection.execute("VACUUM ANALYZE").await.expect("statistics");
    let all = statements();
    let (_, query) = all.iter().find(|(line, _)| line.contains("AS is_small")).expect("the search");
    connection.execute(AssertSqlSafe(format!("PREPARE search AS {query}"))).await.expect("prepared");
    let organization = |number: u16| format!("'00000000-0000-0000-0000-00000000{number:04x}'::uuid");
    let vector = "array_fill(0.036, ARRAY[768])::vector::text";
    for (what, number, vector, words, exact_up_to, index) in [
        ("by codes", 1, vector, "NULL", 0, "Index Only Scan using chunk_vectors_organization_id_space_idx"),
        ("exact", 7, vector, "NULL", 20_000, "chunk_vectors_organization_id_space_idx"),
        (
            "by words",
            7,
            "NULL",
            "'engine w3'",
            20_000,
            "Bitmap Index Scan on chunks_organization_id_terms_idx",
        ),
    ] {
        // Shows whether the index has every column, however many pages are known to be visible to all.
        let others = if what == "by codes" { "off" } else { "on" };
        let set = format!("SET enable_bitmapscan = {others}; SET enable_seqscan = {others}");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(set))).await.expect("set");
        let organization = organization(number);
        let arguments = format!("{organization}, {vector}, 'm', 768, {words}, NULL, NULL, {exact_up_to}, 10");
        let plan = plan(&mut connection, format!("EXPLAIN EXECUTE search ({arguments})")).await;
        assert!(plan.contains(index), "{what}: not through {index}\n{plan}");
        let whole: Vec<_> =
            whole_tables(&plan).into_iter().filter(|table| !SMALL_TABLES.contains(table)).collect();
        assert!(whole.is_empty(), "{what} reads all of {whole:?}\n{plan}");
        assert!(!plan.contains("hnsw"), "{what}");
    }
}
