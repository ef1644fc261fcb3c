//! Artifacts and their labels.

mod chunks;
mod content;
mod create;
mod delete;
mod download;
mod erasure;
mod foreign;
mod foreign_ingestion;
mod labels;
mod list;
mod races;
mod retry;
mod strict;
mod update;
mod upload;

use harness::{Answer, Database, Person, TestApp, environment, events::rest, runtime_api::Function};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

/// A valid SHA-256.
const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Returns a request that creates an artifact with this text.
fn text(text: &str) -> Value {
    json!({ "name": "Notes.txt", "text": text })
}

/// Returns a request that creates an artifact with a file of `bytes` bytes, whose SHA-256 ends with the byte `last`.
fn file(bytes: u64, last: u8) -> Value {
    let sha256 = format!("{}{last:02x}", &SHA256[..62]);
    json!({ "name": "Notes.pdf", "file": { "mediaType": "application/pdf", "byteSize": bytes, "sha256": sha256 } })
}

/// Creates an artifact in the organization at the path `team`. Returns its path.
async fn create(person: &Person<'_>, team: &str, body: Value) -> String {
    let made = person.client.post(&format!("{team}/artifacts"), body).await.ok(201);
    format!("{team}/artifacts/{}", made.id())
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().expect("an id")
}

/// Changes columns of the artifact at `path`, as the functions that process it do.
async fn set(app: &TestApp, path: &str, columns: &str) {
    let statement = format!("UPDATE artifacts SET {columns} WHERE id = '{}'", id(path));
    let done = sqlx::query(AssertSqlSafe(statement)).execute(app.database.pool()).await.expect("the change");
    assert_eq!(done.rows_affected(), 1);
}

/// Adds chunks with these texts to the artifact at `path`, as `index` does.
async fn add_chunks(app: &TestApp, path: &str, texts: &[&str]) {
    sqlx::query(
        "INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, heading, page, starts, ends, terms)
         SELECT uuidv7(), a.organization_id, a.id, t.n - 1, t.text, 'Heading', 1, 0, 9, to_tsvector('simple', t.text)
         FROM artifacts a, unnest($2::text[]) WITH ORDINALITY AS t (text, n) WHERE a.id = $1::uuid",
    )
    .bind(id(path))
    .bind(texts)
    .execute(app.database.pool())
    .await
    .expect("the chunks");
    let count = format!(
        "UPDATE organization_totals SET chunks = chunks + {} WHERE organization_id IN (SELECT organization_id FROM artifacts WHERE id = '{}')",
        texts.len(),
        id(path)
    );
    sqlx::query(AssertSqlSafe(count)).execute(app.database.pool()).await.expect("the total");
    let ready = format!("status = 'ready', stage = NULL, chunks_done = {0}, chunks_total = {0}", texts.len());
    set(app, path, &ready).await;
}

/// Returns what the organizations have, as text: artifacts, bytes and chunks.
async fn totals(app: &TestApp) -> String {
    let totals = "SELECT coalesce(string_agg(artifacts || ' ' || bytes || ' ' || chunks, ', '), '') FROM organization_totals";
    app.database.value(totals).await
}

/// Returns the keys of the objects that will be deleted, in order.
async fn deletions(app: &TestApp) -> String {
    app.database.value("SELECT coalesce(string_agg(key, ' ' ORDER BY key), '') FROM object_deletions").await
}

/// Returns how often `action` is in the audit log of the organization at `team`.
async fn events(person: &Person<'_>, team: &str, action: &str) -> usize {
    let log = person.client.get(&format!("{team}/audit-events?action={action}")).await.ok(200);
    log.body["data"].as_array().map_or(0, Vec::len)
}

fn names(page: &Answer) -> Vec<&str> {
    let rows = page.body["data"].as_array().expect("a list").iter();
    rows.map(|row| row["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn the_function_answers_the_events_of_the_gateway() {
    let database = Database::create().await;
    let function = Function::start("artifacts", environment(&database)).await;
    let path = "/v1/organizations/01890a5d-0b3c-7def-8123-456789abcdef/artifacts";
    let event = rest("GET", path, &json!({}), None, "203.0.113.7");
    let answer = function.invoke(event).await.expect("an answer");
    assert_eq!(answer["statusCode"], 401, "{answer}");
}

#[tokio::test]
async fn an_api_key_needs_the_scopes_of_artifacts() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, text("One")).await;
    let client = async |scope: &str| app.client().token(&ada.create_key(&team, &[scope]).await.secret);
    let (stranger, reader, writer) =
        (client("members:read").await, client("artifacts:read").await, client("artifacts:write").await);

    stranger.get(&path).await.refused(403, "scope-needed");
    stranger.get(&format!("{team}/labels")).await.refused(403, "scope-needed");
    reader.post(&format!("{team}/artifacts"), text("Two")).await.refused(403, "scope-needed");
    reader.post(&format!("{team}/labels"), json!({ "name": "New" })).await.refused(403, "scope-needed");
    reader.delete(&path).await.refused(403, "scope-needed");
    writer.get(&path).await.refused(403, "scope-needed");
    writer.post(&format!("{path}/download"), json!({ "as": "file" })).await.refused(403, "scope-needed");

    reader.get(&path).await.ok(200);
    let made = writer.post(&format!("{team}/artifacts"), text("Two")).await.ok(201);
    assert!(made.body["data"]["createdBy"].is_null() && made.body["data"]["createdByKey"].is_string());
}
