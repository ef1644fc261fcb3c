//! The pages of artifacts, and the search in them.

use std::fmt::Write;

use harness::{PASSWORD, Person, ingestion::Ingestion, model::Model};
use serde_json::{Value, json};

use crate::site::Site;

/// Somebody who signs in in a story.
fn person(person: &Person<'_>) -> Value {
    json!({ "email": person.email, "password": PASSWORD })
}

/// Creates an artifact in the organization at the path `organization`. Returns its id.
async fn create(person: &Person<'_>, organization: &str, new: Value) -> String {
    person.client.post(&format!("{organization}/artifacts"), new).await.ok(201).id().to_owned()
}

/// Serves the console, and an API whose files `ingestion` can ingest.
async fn site(ingestion: &Ingestion) -> Site {
    Site::with_console_and(&ingestion.settings()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_uploaded_found_downloaded_and_deleted() {
    let ingestion = Ingestion::create().await;
    let site = site(&ingestion).await;
    let ada = site.app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let given = json!({ "organization": organization, "person": person(&ada) });
    site.tell_and_ingest(&ingestion, "console/artifacts-upload", &given).await;
    let left =
        "SELECT string_agg(concat_ws(' ', name, media_type, status), ', ' ORDER BY name) FROM artifacts
                WHERE deleted_at IS NULL";
    assert_eq!(
        site.app.database.value::<String>(left).await,
        "notes.md text/markdown ready, prices.csv text/csv ready"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_cancelled_repeated_and_finished_later() {
    /// The SHA-256 of `late`.
    const SHA256: &str = "089001a35679a33ef3db0ca350db9b9a2f0136e0e327577b04b3b98127470961";
    let ingestion = Ingestion::create().await;
    let site = site(&ingestion).await;
    let ada = site.app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let file = json!({ "mediaType": "text/plain", "byteSize": 4, "sha256": SHA256 });
    let id = create(&ada, &organization, json!({ "name": "late.txt", "file": file })).await;
    sqlx::query("UPDATE artifacts SET status = 'expired' WHERE id = $1::uuid")
        .bind(&id)
        .execute(site.app.database.pool())
        .await
        .expect("the artifact exists");
    let late = json!({ "name": "late.txt", "text": "late" });
    let given = json!({ "organization": organization, "person": person(&ada), "late": late });
    site.tell_and_ingest(&ingestion, "console/artifacts-interrupted", &given).await;
    let left = "SELECT string_agg(name || ' ' || status, ', ' ORDER BY name) FROM artifacts WHERE deleted_at IS NULL";
    assert_eq!(site.app.database.value::<String>(left).await, "interrupted.txt ready, same.txt ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_added_labelled_filtered_and_edited() {
    let ingestion = Ingestion::create().await;
    let site = site(&ingestion).await;
    let ada = site.app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let given = json!({ "organization": organization, "person": person(&ada) });
    site.tell_and_ingest(&ingestion, "console/artifacts-text", &given).await;
    let labelled = "SELECT string_agg(a.name || ': ' || l.name, ', ' ORDER BY a.name)
                    FROM artifact_labels JOIN artifacts a ON a.id = artifact_id JOIN labels l ON l.id = label_id";
    assert_eq!(site.app.database.value::<String>(labelled).await, "Cards: Weaving, Numbers: Weaving");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_artifact_says_why_and_is_processed_again() {
    let ingestion = Ingestion::create().await;
    let site = site(&ingestion).await;
    let ada = site.app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let new = json!({ "name": "Stopped", "text": "The engine stopped." });
    let id = create(&ada, &organization, new).await;
    ingestion.ingest(&site.app.database).await;
    site.app.prepare_artifact("retry_artifact", &id).await;
    let given = json!({ "organization": organization, "person": person(&ada), "stopped": "Stopped" });
    site.tell_and_ingest(&ingestion, "console/artifacts-failed", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn result_leads_to_its_passage_in_a_long_text() {
    let ingestion = Ingestion::create().await;
    let site = site(&ingestion).await;
    let ada = site.app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let mut text = String::new();
    for note in 1..=60 {
        write!(text, "Note {note}.").expect("a text");
        for sentence in 1..=9 {
            write!(text, " In sentence {sentence} the engine weaves patterns as a loom weaves flowers.")
                .expect("a text");
        }
        text.push_str("\n\n");
    }
    let id = create(&ada, &organization, json!({ "name": "Notes", "text": text })).await;
    ingestion.ingest(&site.app.database).await;
    let given =
        json!({ "organization": organization, "person": person(&ada), "artifactId": id, "text": text });
    site.tell("console/artifacts-passages", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_says_that_the_model_does_not_answer() {
    let model = Model::default();
    let ingestion = Ingestion::with(&[("EMBEDDING_MODEL", model.name())]).await;
    let site = site(&ingestion).await;
    let ada = site.app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    create(&ada, &organization, json!({ "name": "Notes", "text": "The engine weaves patterns." })).await;
    ingestion.ingest(&site.app.database).await;
    model.fail("500", None).await;
    let given = json!({ "organization": organization, "person": person(&ada) });
    site.tell("console/artifacts-degraded", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn member_is_offered_to_delete_own_artifacts_only() {
    let ingestion = Ingestion::create().await;
    let site = site(&ingestion).await;
    let (ada, bob) = (site.app.verified_person("Ada").await, site.app.verified_person("Bob").await);
    let organization = ada.create_organization("Engines").await;
    ada.add(&organization, &bob, "member").await;
    create(&ada, &organization, json!({ "name": "Notes of Ada", "text": "Ada has written this." })).await;
    create(&bob, &organization, json!({ "name": "Notes of Bob", "text": "Bob has written this." })).await;
    ingestion.ingest(&site.app.database).await;
    let given = json!({
        "organization": organization,
        "person": person(&bob),
        "own": "Notes of Bob",
        "other": "Notes of Ada",
        "addedBy": "Ada",
    });
    site.tell("console/artifacts-of-others", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_labels_and_texts_of_artifacts_are_never_more_than_text() {
    const NAME: &str = "<img src=hostile-image onerror=window.ran=1>";
    const LABEL: &str = "\"><svg onload=window.ran=1>";
    const DESCRIPTION: &str = "<script>window.ran=1</script> ![x](https://evil.example/hostile-image.png)";
    const TEXT: &str = "<script>window.ran = 1</script> <img src=\"https://evil.example/x.png\" onerror=\"window.ran = 1\"> \
                        ![steal](https://evil.example/steal.png) [link](javascript:window.ran=1) \
                        <iframe srcdoc=\"<script>parent.ran = 1</script>\"></iframe> hostile";
    let ingestion = Ingestion::create().await;
    let site = site(&ingestion).await;
    let ada = site.app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let label = ada.client.post(&format!("{organization}/labels"), json!({ "name": LABEL })).await.ok(201);
    let new = json!({ "name": NAME, "description": DESCRIPTION, "labels": [label.id()], "text": TEXT });
    let id = create(&ada, &organization, new).await;
    ingestion.ingest(&site.app.database).await;
    let given = json!({
        "organization": organization,
        "person": person(&ada),
        "name": NAME,
        "label": LABEL,
        "text": TEXT,
        "artifactId": id,
    });
    site.tell_and_ingest(&ingestion, "console/artifacts-hostile", &given).await;
}
