//! Queries that try to break the search.

use chrono::TimeDelta;
use harness::TestApp;
use serde_json::json;

use super::{planted::plant, search, texts};

#[tokio::test]
async fn hostile_query_finds_at_most_what_its_words_find() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    plant(&app, &path, &["a red engine"]).await;
    let long = "engine ".repeat(142);
    let emojis = "😀".repeat(1000);
    let ors = "or ".repeat(333);
    let quotes = "\"".repeat(1000);
    let negations = "-engine ".repeat(125);
    let accents = "e\u{301}".repeat(500);
    let queries = [
        "red & engine | !(blue <-> :*",
        "engine:A*",
        "'; DROP TABLE chunks; --",
        "\\'; SELECT pg_sleep(10); --",
        "$1 ${query} %s {0} {{7*7}}",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "\"unclosed engine",
        "( [ { \" ' ` \\",
        "%_%",
        "\u{202e}enigne\u{200b}",
        "\u{feff}engine",
        "or and not",
        "the of a",
        "-",
        "\"\"",
        "1e309 0x7f -0",
        &long,
        &emojis,
        &ors,
        &quotes,
        &negations,
        &accents,
    ];
    for mode in ["hybrid", "semantic", "keyword"] {
        for query in queries {
            let found = texts(&ada, &path, mode, query).await;
            assert!(found.iter().all(|text| text == "a red engine"), "{mode}, {query:?}: {found:?}");
        }
        // A caller has a limit per minute.
        app.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(texts(&ada, &path, "keyword", "engine").await, ["a red engine"], "the tables are there");
}

#[tokio::test]
async fn invalid_request_is_refused_with_its_place() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let id = uuid::Uuid::now_v7();
    for (body, pointer) in [
        (json!({}), "/query"),
        (json!({ "query": "" }), "/query"),
        (json!({ "query": " \t\n" }), "/query"),
        (json!({ "query": "a\u{0}b" }), "/query"),
        (json!({ "query": "x".repeat(1001) }), "/query"),
        (json!({ "query": 7 }), "/query"),
        (json!({ "query": "a", "mode": "magic" }), "/mode"),
        (json!({ "query": "a", "limit": 0 }), "/limit"),
        (json!({ "query": "a", "limit": 51 }), "/limit"),
        (json!({ "query": "a", "labels": [] }), "/labels"),
        (json!({ "query": "a", "labels": ["x"] }), "/labels/0"),
        (json!({ "query": "a", "artifactIds": vec![id; 101] }), "/artifactIds"),
        (json!({ "query": "a", "organizationId": id }), "/organizationId"),
    ] {
        let answer = search(&ada, &path, body.clone()).await;
        answer.refused(422, "invalid-body");
        let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{body}: {answer:?}");
    }
}
