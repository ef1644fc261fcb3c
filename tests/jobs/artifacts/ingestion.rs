//! From a file in storage to chunks with vectors: both functions, their queues and dead letters.

use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use shared::domain::ingestion::{Upload, file_event};

use super::setup::Setup;

/// Uploads a file, as a signed URL does.
async fn upload(setup: &Setup, artifact: &Upload, media_type: &str, content: &[u8]) {
    let checksum = BASE64.encode(digest(&SHA256, content).as_ref());
    let put = setup.ingestion.s3().put_object().bucket(setup.ingestion.bucket()).key(artifact.file_key());
    let put = put.content_type(media_type).checksum_sha256(checksum).body(content.to_vec().into());
    put.send().await.expect("an object");
}

#[tokio::test]
async fn uploaded_files_end_in_a_final_state() {
    let setup = Setup::new().await;
    let text = setup.artifact(None).await;
    upload(&setup, &text, "text/plain", b"The quick brown fox jumps over the lazy dog.").await;
    let table = setup.artifact(None).await;
    upload(&setup, &table, "text/csv", b"name,year\nAda,1815\nGrace,1906\n").await;
    let broken = setup.artifact(None).await;
    upload(&setup, &broken, "application/pdf", b"%PDF-1.7 and nothing else").await;
    let empty = setup.artifact(None).await;
    upload(&setup, &empty, "text/plain", b"").await;
    // The sweeper asks for its file.
    let missing = setup.artifact(None).await;
    setup.ingestion.send("extract", &file_event(setup.ingestion.bucket(), &missing)).await;
    // The request that creates it was rolled back.
    let unknown = Upload { artifact_id: shared::domain::ids::ArtifactId::new(), ..text };
    upload(&setup, &unknown, "text/plain", b"Left behind.").await;

    setup.ingestion.ingest(&setup.database).await;

    for (artifact, state) in [
        (&text, "ready"),
        (&table, "ready"),
        (&broken, "failed/broken-file"),
        (&empty, "failed/empty-file"),
        (&missing, "expired"),
    ] {
        assert_eq!(setup.state(artifact).await, state, "{:#?}", setup.ingestion.logs());
    }
    let found = setup.text("SELECT string_agg(text, '|' ORDER BY text) FROM chunks").await;
    assert!(found.contains("quick brown fox") && found.contains("Grace"), "{found}");
    let due = setup.text("SELECT string_agg(key, ' ' ORDER BY key) FROM object_deletions").await;
    assert_eq!(due, format!("{} {}", unknown.text_key(), unknown.file_key()));
    setup.check().await;
}
