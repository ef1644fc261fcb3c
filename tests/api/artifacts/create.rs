use harness::TestApp;
use serde_json::{Value, json};

use super::{SHA256, create, deletions, events, file, text, totals};

#[tokio::test]
async fn a_bad_artifact_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let with = |name: &str, value: Value| {
        let mut body = text("One");
        body[name] = value;
        body
    };
    let of_file = |name: &str, value: Value| {
        let mut body = file(1, 0);
        body["file"][name] = value;
        body
    };
    let id = SHA256[..32].to_owned();
    for (body, problem, pointer) in [
        (json!({ "name": "Nothing" }), "text-or-file-needed", None),
        (with("file", file(1, 0)["file"].clone()), "text-or-file-needed", None),
        (with("text", json!("")), "invalid-body", Some("/text")),
        (with("text", json!("é".repeat(24_001))), "invalid-body", Some("/text")),
        (with("name", json!("x".repeat(256))), "invalid-body", Some("/name")),
        (with("name", json!("a\u{202E}fdp.exe")), "invalid-body", Some("/name")),
        (with("description", json!("x".repeat(2001))), "invalid-body", Some("/description")),
        (with("description", json!("a\0b")), "invalid-body", Some("/description")),
        (with("labels", json!(["x"])), "invalid-body", Some("/labels/0")),
        (with("labels", json!(vec![id.clone(); 21])), "invalid-body", Some("/labels")),
        (with("labels", json!([id])), "unknown-label", Some("/labels")),
        (with("allowDuplicate", json!("yes")), "invalid-body", Some("/allowDuplicate")),
        (with("status", json!("ready")), "invalid-body", Some("/status")),
        (of_file("mediaType", json!("application/zip")), "media-type-not-supported", Some("/file/mediaType")),
        (
            of_file("mediaType", json!("text/plain; charset=latin1")),
            "media-type-not-supported",
            Some("/file/mediaType"),
        ),
        (of_file("byteSize", json!(104_857_601)), "file-too-large", Some("/file/byteSize")),
        (of_file("byteSize", json!(-1)), "invalid-body", Some("/file/byteSize")),
        (of_file("byteSize", json!(1.5)), "invalid-body", Some("/file/byteSize")),
        (of_file("sha256", json!(&SHA256[1..])), "invalid-body", Some("/file/sha256")),
        (of_file("sha256", json!("x".repeat(64))), "invalid-body", Some("/file/sha256")),
        (of_file("key", json!("uploads/other")), "invalid-body", Some("/file/key")),
    ] {
        let answer = ada.client.post(&format!("{team}/artifacts"), body.clone()).await;
        answer.refused(422, problem);
        assert_eq!(answer.body.pointer("/errors/0/pointer").and_then(Value::as_str), pointer, "{body}");
    }
    assert_eq!((totals(&app).await, deletions(&app).await), (String::new(), String::new()));
}

#[tokio::test]
async fn a_user_without_a_verified_address_creates_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(1, 0)).await;
    super::set(&app, &path, "status = 'failed', failure = 'indexing-failed'").await;
    app.database.execute("UPDATE users SET email_verified_at = NULL").await;
    ada.client.post(&format!("{team}/artifacts"), text("Two")).await.refused(403, "address-not-proved");
    ada.client.post_nothing(&format!("{path}/upload")).await.refused(403, "address-not-proved");
    ada.client.post_nothing(&format!("{path}/retry")).await.refused(403, "address-not-proved");
    assert_eq!(totals(&app).await, "1 1 0");
}

#[tokio::test]
async fn a_text_is_stored_and_a_file_is_awaited() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let label = ada.client.post(&format!("{team}/labels"), json!({ "name": "Drafts" })).await.ok(201);
    let mut body = text("Größe");
    body["description"] = json!(" The first ");
    body["labels"] = json!([label.id(), label.id()]);
    let made = ada.client.post(&format!("{team}/artifacts"), body).await.ok(201);
    let data = &made.body["data"];
    assert_eq!(
        (made.header("etag"), &data["byteSize"], &data["mediaType"]),
        ("\"1\"", &json!(7), &json!("text/plain"))
    );
    assert_eq!((&data["status"], &data["labels"]), (&json!("pending"), &json!([label.id()])));
    assert_eq!((&data["description"], &data["createdBy"]), (&json!("The first"), &json!(ada.id)));
    assert_eq!((&data["failure"], &data["progress"]), (&Value::Null, &json!({ "done": 0, "of": 0 })));
    assert!(data.get("upload").is_none() && data["stage"].is_null(), "{data}");

    let made = ada.client.post(&format!("{team}/artifacts"), file(12, 1)).await.ok(201);
    let upload = &made.body["data"]["upload"];
    assert_eq!((&upload["method"], &upload["headers"]["content-length"]), (&json!("PUT"), &json!("12")));
    assert_eq!(upload["expiresAt"], "2026-01-02T03:19:05Z");
    let url = made.text("/data/upload/url");
    let key = format!("uploads/{}/{}/1?", team.rsplit('/').next().expect("an id"), made.id());
    assert!(url.contains(&key), "{url}");
    assert_eq!(totals(&app).await, "2 19 0");
    assert_eq!(events(&ada, &team, "artifact.created").await, 2);
}

#[tokio::test]
async fn the_same_content_is_created_once_unless_it_is_wanted_twice() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (team, other) = (ada.create_organization("Engines").await, bob.create_organization("Other").await);
    let artifacts = format!("{team}/artifacts");
    let first = ada.client.post(&artifacts, text("One")).await.ok(201);

    let again = ada.client.post(&artifacts, text("One")).await;
    again.refused(409, "same-content-exists");
    assert_eq!(again.text("/artifactId"), first.id());
    // Another organization's content is not compared.
    create(&bob, &other, text("One")).await;
    let mut twice = text("One");
    twice["allowDuplicate"] = json!(true);
    create(&ada, &team, twice.clone()).await;
    create(&ada, &team, twice).await;
    // What failed does not count.
    super::set(&app, &format!("{artifacts}/{}", first.id()), "status = 'failed', failure = 'broken-file'")
        .await;
    create(&ada, &team, text("One")).await;
    ada.client.post(&artifacts, text("One")).await.refused(409, "same-content-exists");
}

#[tokio::test]
async fn a_full_organization_is_told_its_limit() {
    let app = TestApp::with(&[("DEFAULT_PLAN", "free")]).await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (team, other) = (ada.create_organization("Engines").await, bob.create_organization("Other").await);
    create(&ada, &team, text("One")).await;
    app.database.execute("UPDATE organization_totals SET bytes = 1073741800").await;
    create(&bob, &other, file(100, 1)).await;

    let full = ada.client.post(&format!("{team}/artifacts"), file(25, 2)).await;
    full.refused(402, "plan-limit-reached");
    assert_eq!((&full.body["limit"], &full.body["used"]), (&json!(1_073_741_824), &json!(1_073_741_800)));
    create(&ada, &team, file(24, 2)).await;
    ada.client.post(&format!("{team}/artifacts"), file(1, 3)).await.refused(402, "plan-limit-reached");
    create(&ada, &team, file(0, 4)).await;
}

#[tokio::test]
async fn a_repeated_request_creates_one_artifact() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/artifacts", ada.create_organization("Engines").await);
    let once = ada.client.with("idempotency-key", "monday");
    let first = once.post(&path, file(1, 0)).await.ok(201);
    let second = once.post(&path, file(1, 0)).await.ok(201);
    assert_eq!((second.id(), second.header("idempotency-replayed")), (first.id(), "true"));
    assert_eq!(second.body, first.body);
    once.post(&path, file(1, 1)).await.refused(422, "idempotency-key-reused");
    assert_eq!(totals(&app).await, "1 1 0");
    // The stored link expires; there is another one.
    ada.client.post_nothing(&format!("{path}/{}/upload", first.id())).await.ok(200);
}
