use chrono::TimeDelta;
use harness::{Answer, TestApp};
use serde_json::{Value, json};
use shared::domain::conversation::MessageStatus;

use super::{add_source, ask, create, create_artifact, finish, flush, uuid};

fn texts(page: &Answer) -> Vec<&str> {
    let rows = page.body["data"].as_array().expect("a list").iter();
    rows.map(|row| row["content"].as_str().expect("a text")).collect()
}

#[tokio::test]
async fn answer_shows_its_sources_its_status_and_what_it_used() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({})).await;
    let artifact = uuid(&create_artifact(&ada, &team, "Text").await);
    let answer = ask(&app, &ada, &path).await;
    let shown = format!("{path}/messages/{answer}");

    let streaming = ada.client.get(&shown).await.ok(200);
    assert_eq!((streaming.text("/data/status"), streaming.text("/data/content")), ("streaming", ""));
    assert_eq!(
        (&streaming.body["data"]["usage"], &streaming.body["data"]["finishedAt"]),
        (&Value::Null, &Value::Null)
    );
    flush(&app, &path, answer, "For 35").await;
    assert_eq!(ada.client.get(&shown).await.ok(200).text("/data/content"), "For 35");
    add_source(&app, &path, answer, artifact, "Backups are kept for 35 days.").await;
    finish(&app, &path, answer, MessageStatus::Complete, "For 35 days [1].").await;

    let done = ada.client.get(&shown).await.ok(200);
    let data = &done.body["data"];
    assert_eq!((done.text("/data/status"), done.text("/data/content")), ("complete", "For 35 days [1]."));
    assert_eq!(data["usage"], json!({ "promptTokens": 10, "completionTokens": 20, "estimated": false }));
    assert_eq!((&data["retrieval"], &data["citations"]), (&json!("hybrid"), &json!([])));
    let source = &data["sources"][0];
    assert_eq!(
        (&source["artifactId"], &source["n"], &source["page"]),
        (&json!(artifact), &json!(1), &json!(3))
    );
    assert_eq!(source["quote"], "Backups are kept for 35 days.");
    let page = ada.client.get(&format!("{path}/messages?sort=createdAt")).await.ok(200);
    assert_eq!(texts(&page), ["How long are backups kept?", "For 35 days [1]."]);
    assert_eq!(page.body["data"][1], *data);
    let question = &page.body["data"][0];
    assert_eq!(
        (&question["role"], &question["status"], &question["usage"]),
        (&json!("user"), &json!("complete"), &Value::Null)
    );
    ada.client.get(&format!("{path}/messages/{}", uuid(&path))).await.refused(404, "message-not-found");
}

#[tokio::test]
async fn page_of_long_messages_fits_into_a_response() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({})).await;
    for _ in 0..4 {
        let answer = ask(&app, &ada, &path).await;
        finish(&app, &path, answer, MessageStatus::Length, &"\u{1}".repeat(262_144)).await;
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = ada.client.get(&format!("{path}/messages?limit=100{cursor}")).await.ok(200);
        // Lambda gets the body as a JSON string, and takes 6,291,556 bytes with everything around it.
        let envelope = serde_json::to_string(&page.body.to_string()).expect("JSON").len();
        assert!(envelope < 6_000_000, "{envelope} bytes");
        seen.extend(texts(&page).into_iter().map(str::len));
        match page.body["meta"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), seen.iter().filter(|length| **length == 262_144).count()), (8, 4));
}

#[tokio::test]
async fn cancelled_answer_ends_at_its_next_flush() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({})).await;
    let answer = ask(&app, &ada, &path).await;
    let cancel = format!("{path}/messages/{answer}/cancel");
    assert!(!flush(&app, &path, answer, "For").await);

    let cancelled = ada.client.post_nothing(&cancel).await.ok(202);
    assert_eq!(cancelled.text("/data/status"), "streaming");
    assert_eq!(cancelled.text("/data/cancelRequestedAt"), "2026-01-02T03:04:05Z");
    app.clock.advance(TimeDelta::seconds(1));
    let again = ada.client.post_nothing(&cancel).await.ok(202);
    assert_eq!(again.text("/data/cancelRequestedAt"), "2026-01-02T03:04:05Z");
    assert!(flush(&app, &path, answer, "For 35").await);
    assert!(finish(&app, &path, answer, MessageStatus::Cancelled, "For 35").await);

    ada.client.post_nothing(&cancel).await.refused(409, "not-streaming");
    let page = ada.client.get(&format!("{path}/messages?sort=createdAt")).await.ok(200);
    assert_eq!((texts(&page)[1], &page.body["data"][1]["status"]), ("For 35", &json!("cancelled")));
    let question = page.text("/data/0/id");
    ada.client
        .post_nothing(&format!("{path}/messages/{question}/cancel"))
        .await
        .refused(409, "not-streaming");
    let nothing = format!("{path}/messages/{}/cancel", uuid(&path));
    ada.client.post_nothing(&nothing).await.refused(404, "message-not-found");
    let log = ada.client.get(&format!("{team}/audit-events?action=answer.cancelled")).await.ok(200);
    assert_eq!(log.body["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn answer_that_is_not_finished_at_its_deadline_is_interrupted() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({})).await;
    let answer = ask(&app, &ada, &path).await;
    flush(&app, &path, answer, "For").await;
    app.clock.advance(TimeDelta::seconds(59));
    assert_eq!(
        ada.client.get(&format!("{path}/messages/{answer}")).await.ok(200).text("/data/status"),
        "streaming"
    );
    app.clock.advance(TimeDelta::seconds(1));

    let shown = ada.client.get(&format!("{path}/messages/{answer}")).await.ok(200);
    assert_eq!((shown.text("/data/status"), shown.text("/data/content")), ("interrupted", "For"));
    assert_eq!(shown.text("/data/finishedAt"), "2026-01-02T03:05:05Z");
    assert_eq!(shown.body["data"]["usage"]["estimated"], true);
    let page = ada.client.get(&format!("{path}/messages")).await.ok(200);
    assert_eq!(page.text("/data/0/status"), "interrupted");
    let cancel = format!("{path}/messages/{answer}/cancel");
    ada.client.post_nothing(&cancel).await.refused(409, "not-streaming");
}
