//! How many of the nearest chunks are found, compared with a statement that looks at each vector in full precision.

use std::{collections::BTreeSet, fs, path::Path};

use harness::TestApp;
use local_stack::model;
use shared::{
    domain::{ids::OrganizationId, vector},
    store::{self, search::Search},
};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::planted::{embed, id_of, space};

/// Sentences with a vector of the real model, and vectors that are drawn around them.
const REAL: usize = 1_000;
const DRAWN: usize = 20_000;
const QUERIES: usize = 100;
/// The places that are compared.
const TOP: usize = 10;

/// Fills the organization `$1`, in the space `$2`: a chunk for each real vector of `given`, and 20 that are drawn around each, at a
/// cosine of 0.9 to 0.55. Other organizations have the same vectors.
const FILL: &str = "
    SELECT setseed(0.5);
    CREATE TABLE noise AS
        SELECT n, (SELECT array_agg(random_normal(0, (0.5 + n % 100 / 100.0) / sqrt(384)) * (i <= 384)::int ORDER BY i)
                   FROM generate_series(1, 768) i WHERE n = n)::vector(768) AS e
        FROM generate_series(0, 499) n;
    CREATE TABLE truth AS
        SELECT uuidv7() AS chunk, o.id AS organization, g.text, g.n * 21 + k AS ordinal,
               CASE WHEN k = 0 THEN g.e ELSE l2_normalize(g.e + z.e) END AS e
        FROM (VALUES ('$here'::uuid), ('$there'::uuid)) o (id), given g, generate_series(0, 20) k, noise z
        WHERE z.n = (g.n * 20 + k) * 7919 % 500;
    INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, language, duplicate_allowed,
                           progressed_at, created_at, updated_at)
    SELECT organization, organization, 'Docs', 'text/plain', 1, sha256('x'), 'ready', 'english', true, now(), now(), now()
    FROM truth GROUP BY organization;
    INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, starts, ends, terms)
    SELECT chunk, organization, organization, ordinal, text, 0, 1, '' FROM truth;
    INSERT INTO chunk_vectors (chunk_id, organization_id, artifact_id, space, embedding)
    SELECT chunk, organization, organization, $space, e::halfvec(768) FROM truth;
    INSERT INTO organization_totals (organization_id, chunks) SELECT organization, count(*) FROM truth GROUP BY organization;
    ANALYZE";

/// Returns distinct sentences of the project's own documentation.
fn sentences(count: usize) -> Vec<String> {
    let mut sentences = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"), &mut sentences);
    assert!(sentences.len() >= count, "{} sentences", sentences.len());
    // Spread over all pages.
    let step = sentences.len() / count;
    sentences.into_iter().step_by(step).take(count).collect()
}

fn collect(folder: &Path, sentences: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, sentences);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let page = fs::read_to_string(&path).expect("a page");
            // Every second part is outside of a block of code.
            let prose = page
                .split("```")
                .step_by(2)
                .flat_map(|part| part.split("\n\n"))
                .map(|p| p.replace('\n', " "));
            for paragraph in prose {
                let parts = paragraph.split(['|', ';']).flat_map(|part| part.split(". "));
                let parts = parts.map(|part| part.trim().to_owned());
                sentences.extend(parts.filter(|part| (60..=250).contains(&part.len())));
            }
        }
    }
}

/// The nearest chunks by the vectors of the model.
const IN_FULL_PRECISION: &str =
    "SELECT chunk FROM truth WHERE organization = $1 ORDER BY e <#> $2::text::vector(768), chunk LIMIT $3";
/// The nearest chunks by the vectors as they are stored.
const AS_STORED: &str = "SELECT chunk_id FROM chunk_vectors WHERE organization_id = $1
                         ORDER BY embedding <#> $2::text::halfvec(768), chunk_id LIMIT $3";

async fn nearest(pool: &PgPool, statement: &'static str, organization: Uuid, vector: &str) -> Vec<Uuid> {
    let query = sqlx::query_scalar(statement).bind(organization).bind(vector);
    query.bind(i64::try_from(TOP).expect("a number")).fetch_all(pool).await.expect("chunks")
}

#[tokio::test]
async fn nearest_chunks_are_found() {
    let app = TestApp::with(&[("EMBEDDING_MODEL", model::NAME)]).await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    let here = id_of(&here);
    let all = sentences(REAL + QUERIES);
    let texts: Vec<_> = all.iter().map(String::as_str).collect();
    let vectors = embed(&app, &texts).await;
    let pool = app.database.pool();
    // One connection, because of the seed.
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::query("CREATE TABLE given (n int, text text, e vector(768))")
        .execute(&mut *connection)
        .await
        .expect("a table");
    for (number, (text, vector)) in all.iter().zip(&vectors).enumerate().skip(QUERIES) {
        sqlx::query("INSERT INTO given VALUES ($1, $2, $3::text::vector(768))")
            .bind(i32::try_from(number).expect("a number"))
            .bind(text)
            .bind(vector::to_text(vector))
            .execute(&mut *connection)
            .await
            .expect("a vector");
    }
    let fill = FILL.replace("$here", &here.to_string()).replace("$there", &id_of(&there).to_string());
    let fill = fill.replace("$space", &space(&app).await.to_string());
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *connection).await.expect("rows");
    drop(connection);

    let models = &app.state.app.config.models;
    let (mut exact, mut coded, mut stored) = (0, 0, 0);
    for vector in &vectors[..QUERIES] {
        let text = vector::to_text(vector);
        let truth = nearest(pool, IN_FULL_PRECISION, here, &text).await;
        let as_stored = nearest(pool, AS_STORED, here, &text).await;
        assert_eq!((truth.len(), as_stored.len()), (TOP, TOP));
        for (exact_up_to, hits) in [(i64::MAX, &mut exact), (0, &mut coded)] {
            let wanted = Search {
                vector: Some(vector),
                model: &models.embedding_model,
                dimensions: models.embedding_dimensions.cast_signed(),
                words: None,
                labels: None,
                artifacts: None,
                limit: i64::try_from(TOP).expect("a number"),
                exact_up_to,
            };
            let read = async |tx: &mut _| Ok(store::search::search(tx, OrganizationId(here), &wanted).await?);
            let found = app.state.app.db.read(read).await.expect("a search");
            *hits += found.iter().filter(|found| truth.contains(&found.chunk.id.0)).count();
            if exact_up_to > 0 {
                stored += found.iter().filter(|found| as_stored.contains(&found.chunk.id.0)).count();
            }
        }
    }
    let all = QUERIES * TOP;
    assert_eq!(stored, all, "all vectors are compared");
    // Half precision may swap the last place with the next one.
    assert!(exact * 1000 >= all * 995, "exact: {exact} of {all}");
    assert!(coded * 100 >= all * 98, "by codes: {coded} of {all}");
    eprintln!("recall@{TOP} in {} chunks: exact {exact} of {all}, by codes {coded}", REAL + DRAWN);
}
