//! An organization with artifacts, whose texts are in storage.

use std::{collections::HashMap, time::Duration};

use harness::{Database, ingestion::Ingestion, model::Model, runtime_api::Function};
use serde_json::{Value, json};
use shared::domain::{
    ids::{ArtifactId, OrganizationId},
    ingestion::{FailureCode, IndexKind, IndexMessage, Upload},
};
use sqlx::AssertSqlSafe;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long a test waits for a state.
const WAIT: Duration = Duration::from_mins(1);

pub struct Setup {
    pub database: Database,
    pub ingestion: Ingestion,
    pub model: Model,
    pub organization: OrganizationId,
    changes: Vec<(String, String)>,
}

impl Setup {
    pub async fn new() -> Self {
        Self::with(Model::default(), &[]).await
    }

    pub async fn with(model: Model, changes: &[(&str, &str)]) -> Self {
        let (database, ingestion) = (Database::create().await, Ingestion::create().await);
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let organization = OrganizationId::new();
        let setup = Self { database, ingestion, model, organization, changes };
        setup.insert_organization(organization).await;
        // S3 tests a new notification.
        if let Some(batch) = setup.ingestion.receive("extract", Duration::from_mins(1)).await {
            setup.ingestion.settle(&batch, Some(&json!({ "batchItemFailures": [] })), Duration::ZERO).await;
        }
        setup
    }

    pub async fn insert_organization(&self, id: OrganizationId) {
        self.execute(&format!(
            "INSERT INTO organizations (id, name, slug, created_at, updated_at) VALUES ('{id}', 'Org', 'o-{id}', now(), now())"
        ))
        .await;
        self.execute(&format!("INSERT INTO organization_totals (organization_id) VALUES ('{id}')")).await;
    }

    /// Returns the environment of `index` and of `retention`.
    pub fn environment(&self) -> HashMap<String, String> {
        let mut environment = self.ingestion.environment(&self.database);
        environment.insert("EMBEDDING_MODEL".to_owned(), self.model.name().to_owned());
        environment.extend(self.changes.clone());
        environment
    }

    /// Starts `index`.
    pub async fn index(&self) -> Function {
        Function::start("index", self.environment()).await
    }

    /// Creates an artifact of the organization, in the step `stage`, or without a file.
    pub async fn artifact(&self, stage: Option<&str>) -> Upload {
        let upload =
            Upload { organization_id: self.organization, artifact_id: ArtifactId::new(), generation: 1 };
        let (status, stage, age) = match stage {
            Some(stage) => ("processing", format!("'{stage}'"), 0),
            // The link of its upload has expired.
            None => ("pending", "NULL".to_owned(), 16),
        };
        self.execute(&format!(
            "INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, stage, progressed_at, created_at,
                                    updated_at)
             VALUES ('{}', '{}', 'A file', 'text/plain', 10, sha256('{}'), '{status}', {stage}, now() - interval '{age} minutes', now(),
                     now())",
            upload.artifact_id, upload.organization_id, upload.artifact_id
        ))
        .await;
        self.execute(&format!(
            "UPDATE organization_totals SET artifacts = artifacts + 1, bytes = bytes + 10 WHERE organization_id = '{}'",
            upload.organization_id
        ))
        .await;
        upload
    }

    /// Creates an artifact whose text of `chunks` chunks is extracted.
    pub async fn extracted(&self, chunks: usize) -> Upload {
        let upload = self.artifact(Some("extracting")).await;
        self.put_text(&upload, chunks).await;
        upload
    }

    /// Writes a text with a page for each chunk.
    pub async fn put_text(&self, upload: &Upload, chunks: usize) {
        let page = |n: usize| {
            json!({ "page": n + 1, "text": format!("Passage {n} of {upload}.") }).to_string() + "\n"
        };
        let text: String = (0..chunks).map(page).collect();
        self.put_lines(upload, &text).await;
    }

    pub async fn put_lines(&self, upload: &Upload, lines: &str) {
        let packed = zstd::encode_all(lines.as_bytes(), 1).expect("packed");
        self.put(&upload.text_key(), packed).await;
    }

    pub async fn put(&self, key: &str, body: Vec<u8>) {
        let put = self.ingestion.s3().put_object().bucket(self.ingestion.bucket()).key(key);
        put.body(body.into()).send().await.expect("an object");
    }

    /// Returns the keys of all versions in storage.
    pub async fn object_versions(&self) -> Vec<String> {
        let list = self.ingestion.s3().list_object_versions().bucket(self.ingestion.bucket());
        let found = list.send().await.expect("a list");
        let versions = found.versions().iter().map(|version| version.key().unwrap_or_default().to_owned());
        let markers = found.delete_markers().iter().map(|marker| marker.key().unwrap_or_default().to_owned());
        versions.chain(markers).collect()
    }

    pub async fn execute(&self, statement: &str) {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(self.database.pool()).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    pub async fn count(&self, query: &str) -> i64 {
        let count = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(self.database.pool()).await;
        count.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    pub async fn text(&self, query: &str) -> String {
        let text = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(self.database.pool()).await;
        text.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Returns the state of an artifact: `pending`, `processing/indexing`, `failed/no-text`, …
    pub async fn state(&self, upload: &Upload) -> String {
        let query = "SELECT concat_ws('/', status, stage, failure) FROM artifacts WHERE id = ";
        self.text(&format!("{query}'{}'", upload.artifact_id)).await
    }

    /// Waits until `query` returns at least `least`.
    pub async fn wait_for(&self, query: &str, least: i64) {
        let begin = Instant::now();
        while self.count(query).await < least {
            assert!(begin.elapsed() < WAIT, "{query} stays below {least}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets leases and reservations expire.
    pub async fn pass_leases(&self) {
        self.execute(
            "UPDATE artifacts SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
        )
        .await;
        self.execute("UPDATE token_reservations SET expires_at = now() - interval '1 second'").await;
    }

    /// Checks what is always true between two transactions.
    pub async fn check(&self) {
        let wrong = self
            .text(
                "SELECT concat_ws('; ',
                    (SELECT 'ordinals of ' || artifact_id FROM chunks GROUP BY artifact_id HAVING max(ordinal) <> count(*) - 1 LIMIT 1),
                    (SELECT 'ready without all vectors: ' || a.id FROM artifacts a
                     WHERE a.status = 'ready'
                       AND (a.chunks_total <> (SELECT count(*) FROM chunks c WHERE c.artifact_id = a.id)
                            OR a.chunks_done <> a.chunks_total
                            OR a.chunks_total <> (SELECT count(DISTINCT v.chunk_id) FROM chunk_vectors v WHERE v.artifact_id = a.id))
                     LIMIT 1),
                    (SELECT 'totals of ' || t.organization_id FROM organization_totals t
                     WHERE t.chunks <> (SELECT count(*) FROM chunks c WHERE c.organization_id = t.organization_id) LIMIT 1),
                    (SELECT 'reserved of ' || b.organization_id FROM token_budgets b
                     WHERE b.reserved <> (SELECT coalesce(sum(r.tokens), 0) FROM token_reservations r
                                          WHERE (r.organization_id, r.month) = (b.organization_id, b.month)) LIMIT 1),
                    (SELECT 'a lease of ' || id FROM artifacts WHERE status <> 'processing' AND lease_until IS NOT NULL LIMIT 1))",
            )
            .await;
        assert_eq!(wrong, "");
    }

    /// Returns the tokens in `usage_days`. They are used tokens of the budget too.
    pub async fn paid(&self) -> u64 {
        let days = self
            .count("SELECT coalesce(sum(prompt_tokens), 0)::bigint FROM usage_days WHERE kind = 'embedding'")
            .await;
        let budget = self.count("SELECT coalesce(sum(used), 0)::bigint FROM token_budgets").await;
        assert_eq!(days, budget);
        days.unsigned_abs()
    }
}

/// Returns a message about `upload`.
pub fn message(upload: &Upload, kind: IndexKind) -> String {
    serde_json::to_string(&IndexMessage { upload: *upload, kind }).expect("a message")
}

pub fn extracted(upload: &Upload) -> String {
    message(upload, IndexKind::Extracted { characters: 1 })
}

pub fn failed(upload: &Upload, failure: FailureCode) -> String {
    message(upload, IndexKind::Failed { failure, detail: Some("A sentence.".to_owned()) })
}

/// Returns an event with one message of `queue`.
pub fn event(queue: &str, body: &str, receives: u32) -> Value {
    json!({ "Records": [{
        "messageId": Uuid::new_v4(), "receiptHandle": "none", "body": body,
        "attributes": { "ApproximateReceiveCount": receives.to_string() },
        "eventSource": "aws:sqs", "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:arches-test-{queue}")
    }] })
}

/// Delivers a message of the queue `index`. Returns whether it was handled.
pub async fn deliver(function: &Function, body: &str) -> bool {
    deliver_from(function, "index", body).await
}

pub async fn deliver_from(function: &Function, queue: &str, body: &str) -> bool {
    let answer =
        function.invoke_within(Duration::from_mins(2), event(queue, body, 1)).await.expect("a response");
    answer["batchItemFailures"].as_array().expect("a batch response").is_empty()
}
