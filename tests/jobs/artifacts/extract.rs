//! `extract` turns uploaded files into text, and reports to the queue of `index`.

use std::{collections::HashMap, fs, time::Duration};

use aws_sdk_s3::{
    Config,
    config::timeout::TimeoutConfig,
    types::{BucketVersioningStatus, ChecksumAlgorithm, VersioningConfiguration},
};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use data_encoding::BASE64;
use harness::{runtime_api::Function, service};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use shared::{
    aws::client,
    domain::{
        ids::{ArtifactId, OrganizationId},
        ingestion::{Upload, file_event},
    },
};
use uuid::Uuid;

/// How long an upload of the largest file may take.
const WAIT: Duration = Duration::from_mins(1);

/// A PDF whose page draws a form, which draws itself: the parser overflows its stack.
const LOOP: &str = "%PDF-1.7
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [4 0 R] /Count 1 >> endobj
3 0 obj << /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 3 0 R >> >> /Length 5 >>
stream
/F Do
endstream endobj
4 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /XObject << /F 3 0 R >> >> /Contents 5 0 R >> endobj
5 0 obj << /Length 5 >>
stream
/F Do
endstream endobj
";

/// The function, with a bucket and a queue of its own.
struct Extract {
    function: Function,
    bucket: String,
    queue: String,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Extract {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(settings: &[(&str, &str)]) -> Self {
        let (s3, sqs) = (
            aws_sdk_s3::Client::new(client::config().await),
            aws_sdk_sqs::Client::new(client::config().await),
        );
        let name = format!("extract-{}", Uuid::new_v4().simple());
        s3.create_bucket().bucket(&name).send().await.expect("a bucket");
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3.put_bucket_versioning()
            .bucket(&name)
            .versioning_configuration(enabled)
            .send()
            .await
            .expect("versions");
        let queue = sqs.create_queue().queue_name(&name).send().await.expect("a queue");
        let queue = queue.queue_url.expect("its URL");
        let passed = ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let mut environment: HashMap<_, _> = passed.map(|name| (name.to_owned(), service(name))).into();
        environment.extend([
            ("NODE_ENV".to_owned(), "test".to_owned()),
            ("ARTIFACT_BUCKET".to_owned(), name.clone()),
            ("INDEX_QUEUE_URL".to_owned(), queue.clone()),
        ]);
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self { function: Function::start("extract", environment).await, bucket: name, queue, s3, sqs }
    }

    /// Uploads a file as a client does, and returns the message of S3.
    async fn upload(&self, media_type: &str, file: impl Into<Vec<u8>>) -> (Upload, String) {
        let file = file.into();
        let sha256 = BASE64.encode(digest(&SHA256, &file).as_ref());
        self.upload_as(media_type, file, Some(sha256)).await
    }

    async fn upload_as(&self, media_type: &str, file: Vec<u8>, sha256: Option<String>) -> (Upload, String) {
        let upload = new_upload();
        let put = self.s3.put_object().bucket(&self.bucket).key(upload.file_key()).content_type(media_type);
        // moto stores a checksum only if its algorithm is named too.
        let put = put.set_checksum_algorithm(sha256.is_some().then_some(ChecksumAlgorithm::Sha256));
        let put = put.set_checksum_sha256(sha256).body(file.into()).customize();
        let patient =
            TimeoutConfig::builder().operation_attempt_timeout(WAIT).operation_timeout(WAIT).build();
        put.config_override(Config::builder().timeout_config(patient)).send().await.expect("uploaded");
        (upload, file_event(&self.bucket, &upload))
    }

    /// Delivers messages to the function, and returns the ids of those that failed.
    async fn deliver(&self, bodies: &[&str]) -> Vec<String> {
        let records = bodies.iter().enumerate().map(|(number, body)| {
            json!({ "messageId": number.to_string(), "body": body, "attributes": { "ApproximateReceiveCount": "1" } })
        });
        let event = json!({ "Records": records.collect::<Vec<_>>() });
        let response = self.function.invoke_within(Duration::from_mins(2), event).await.expect("a response");
        let failures = response["batchItemFailures"].as_array().expect("a list");
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
    }

    /// Takes the messages about `upload` out of the queue, in their order.
    async fn reports(&self, upload: &Upload) -> Vec<Value> {
        let mut reports = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
            let receive = receive.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
            let messages = receive.send().await.expect("messages").messages.unwrap_or_default();
            if messages.is_empty() {
                return reports;
            }
            for message in messages {
                let mut report: Value = serde_json::from_str(&message.body.expect("a body")).expect("JSON");
                let fields = report.as_object_mut().expect("an object");
                let ids = ["organizationId", "artifactId", "generation"]
                    .map(|name| fields.remove(name).expect("an id"));
                assert_eq!(ids[0], upload.organization_id.to_string());
                assert_eq!(
                    (&ids[1], &ids[2]),
                    (&json!(upload.artifact_id.to_string()), &json!(upload.generation))
                );
                reports.push(report);
                let receipt = message.receipt_handle.expect("a receipt");
                self.sqs
                    .delete_message()
                    .queue_url(&self.queue)
                    .receipt_handle(receipt)
                    .send()
                    .await
                    .expect("deleted");
            }
        }
    }

    /// Delivers the message of one upload, and returns the last report.
    async fn outcome(&self, (upload, message): (Upload, String)) -> Value {
        assert_eq!(self.deliver(&[&message]).await, [""; 0], "{:#?}", self.function.log());
        let mut reports = self.reports(&upload).await;
        let last = reports.pop().expect("a report");
        assert_eq!(reports, [json!({ "kind": "extracting" })]);
        last
    }

    /// Returns the parts of an artifact's text; `None` if there is no text.
    async fn text(&self, upload: &Upload) -> Option<Vec<Value>> {
        let object = self.s3.get_object().bucket(&self.bucket).key(upload.text_key()).send().await.ok()?;
        let packed = object.body.collect().await.expect("bytes").to_vec();
        let lines = zstd::decode_all(packed.as_slice()).expect("zstd");
        let lines = String::from_utf8(lines).expect("UTF-8");
        Some(lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
    }

    /// Returns the most memory that the function has had, in kilobytes. Its parser processes have their own.
    fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.function.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim_end_matches("kB").trim().parse().expect("a number")
    }
}

fn new_upload() -> Upload {
    Upload { organization_id: OrganizationId::new(), artifact_id: ArtifactId::new(), generation: 2 }
}

fn failed(code: &str, detail: Option<&str>) -> Value {
    json!({ "kind": "failed", "failure": code, "detail": detail })
}

#[tokio::test]
async fn uploaded_file_becomes_text() {
    let extract = Extract::start().await;
    let (upload, message) = extract.upload("text/markdown", "# Title\n\nThe quick brown fox.\n").await;
    let outcome = extract.outcome((upload, message.clone())).await;
    assert_eq!(outcome, json!({ "kind": "extracted", "characters": 27 }));
    let parts = json!([{ "heading": "Title", "text": "Title\n\nThe quick brown fox." }]);
    assert_eq!(json!(extract.text(&upload).await), parts);

    // SQS delivers a message twice.
    assert_eq!(extract.outcome((upload, message)).await, outcome);
    assert_eq!(json!(extract.text(&upload).await), parts);
}

#[tokio::test]
async fn version_that_the_event_names_is_read() {
    let extract = Extract::start().await;
    let (upload, message) = extract.upload("text/plain", "the first").await;
    let versions = extract.s3.list_object_versions().bucket(&extract.bucket).send().await.expect("versions");
    let first = versions.versions()[0].version_id().expect("an id").to_owned();
    let put =
        extract.s3.put_object().bucket(&extract.bucket).key(upload.file_key()).content_type("text/plain");
    put.body(b"the second".to_vec().into()).send().await.expect("written over");
    let mut event: Value = serde_json::from_str(&message).expect("JSON");
    event["Records"][0]["s3"]["object"]["versionId"] = json!(first);
    assert_eq!(extract.outcome((upload, event.to_string())).await["kind"], "extracted");
    assert_eq!(extract.text(&upload).await.expect("text")[0]["text"], "the first");
}

#[tokio::test]
async fn file_that_is_missing_is_reported() {
    let extract = Extract::start().await;
    let upload = new_upload();
    assert_eq!(extract.deliver(&[&file_event(&extract.bucket, &upload)]).await, [""; 0]);
    assert_eq!(extract.reports(&upload).await, [json!({ "kind": "missing" })]);
}

#[tokio::test]
async fn events_that_are_not_about_uploads_are_acknowledged_and_malformed_ones_are_not() {
    let extract = Extract::start().await;
    let test =
        json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": extract.bucket }).to_string();
    let elsewhere = json!({ "Records": [{ "s3": { "object": { "key": "texts/x" } } }] }).to_string();
    let malformed = json!({ "Records": [{ "s3": { "object": { "key": "uploads/x" } } }] }).to_string();
    assert_eq!(extract.deliver(&[&test, &elsewhere, &malformed, "{}"]).await, ["2", "3"]);
    assert!(extract.reports(&new_upload()).await.is_empty());
}

#[tokio::test]
async fn content_type_and_checksum_of_the_object_are_verified() {
    let extract = Extract::start().await;
    let other = BASE64.encode(digest(&SHA256, b"other").as_ref());
    let upload = extract.upload_as("text/plain", b"text".to_vec(), Some(other)).await;
    let mismatch = "the content differs from the announced SHA-256";
    let id = upload.0;
    assert_eq!(extract.outcome(upload).await, failed("checksum-mismatch", Some(mismatch)));
    assert_eq!(extract.text(&id).await, None);
    let without = extract.upload_as("text/plain", b"text".to_vec(), None).await;
    // S3 compared the content with the announced checksum before it stored the object, so this is a second look.
    assert_eq!(extract.outcome(without).await["kind"], "extracted");
    let picture = extract.upload("text/plain", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()).await;
    let detail = "the file is image/png, not text/plain";
    assert_eq!(extract.outcome(picture).await, failed("wrong-media-type", Some(detail)));
    let unknown = extract.upload("image/png", b"\x89PNG".to_vec()).await;
    assert_eq!(extract.outcome(unknown).await["failure"], "wrong-media-type");
    assert_eq!(
        extract.outcome(extract.upload("text/plain", Vec::new()).await).await,
        failed("empty-file", None)
    );
}

#[tokio::test]
async fn hostile_file_is_final_and_the_others_of_its_batch_are_unharmed() {
    let extract = Extract::start().await;
    let first = extract.upload("text/plain", "the first").await;
    let hostile = extract.upload("application/pdf", xref(LOOP)).await;
    let last = extract.upload("text/plain", "the last").await;
    assert_eq!(extract.deliver(&[&first.1, &hostile.1, &last.1]).await, [""; 0], "no file is tried again");
    assert_eq!(extract.text(&first.0).await.expect("text")[0]["text"], "the first");
    assert_eq!(extract.text(&last.0).await.expect("text")[0]["text"], "the last");
    assert_eq!(extract.text(&hostile.0).await, None);
    let receive = extract.sqs.receive_message().queue_url(&extract.queue).max_number_of_messages(10);
    let messages = receive.send().await.expect("messages").messages.expect("messages");
    let crashed = messages
        .iter()
        .filter(|message| message.body().is_some_and(|body| body.contains("extraction-crashed")));
    assert_eq!(crashed.count(), 1);
}

#[tokio::test]
async fn memory_stays_flat_with_the_largest_file() {
    let extract = Extract::start().await;
    assert_eq!(extract.outcome(extract.upload("text/plain", "small").await).await["kind"], "extracted");
    let before = extract.peak_memory();
    let line = extract.upload("text/plain", vec![b'a'; 100 << 20]).await;
    assert_eq!(extract.outcome(line).await["failure"], "too-much-text");
    // A file whose text is nearly the longest that is allowed.
    let words: Vec<_> = (0..1_350_000).map(|number| number.to_string()).collect();
    let long = extract.upload("text/plain", words.join(" ")).await;
    assert_eq!(extract.outcome(long).await["kind"], "extracted");
    let grown = extract.peak_memory() - before;
    assert!(grown < 40 << 10, "{grown} kB more");
}

#[tokio::test]
async fn message_fails_while_the_queue_is_unavailable() {
    let extract = Extract::start_with(&[("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")]).await;
    let (upload, message) = extract.upload("text/plain", "text").await;
    assert_eq!(extract.deliver(&[&message]).await, ["0"]);
    assert!(extract.reports(&upload).await.is_empty());
}

/// Adds the table of a PDF's objects, which stand at the beginnings of lines.
fn xref(objects: &str) -> String {
    let offsets =
        objects.match_indices(" 0 obj").map(|(at, _)| objects[..at].rfind('\n').map_or(0, |line| line + 1));
    let entries: Vec<_> = offsets.map(|offset| format!("{offset:010} 00000 n \n")).collect();
    let (size, start) = (entries.len() + 1, objects.len());
    let entries = entries.concat();
    format!(
        "{objects}xref\n0 {size}\n0000000000 65535 f \n{entries}trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    )
}
