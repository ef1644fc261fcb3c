//! What each mode finds, and in which order.

use harness::TestApp;
use serde_json::json;

use super::{
    planted::{Artifact, execute, label, plant, plant_artifact},
    search, texts, texts_of,
};

const ROTATION: &str = "Rotating the password of the cache takes one minute.";
const PASSWORD: &str = "The password of the cache.";
const VOLCANO: &str = "A volcano erupted at dawn.";

#[tokio::test]
async fn hybrid_search_says_how_it_found_a_chunk() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let planted = plant(&app, &path, &[VOLCANO, ROTATION, PASSWORD]).await;

    let answer = search(&ada, &path, json!({ "query": "rotate the password" })).await.ok(200);
    assert_eq!(answer.body["meta"], json!({ "mode": "hybrid", "degraded": null }));
    let first = &answer.body["data"][0];
    assert_eq!(first["artifact"], json!({ "id": planted.id, "name": "Handbook" }));
    assert_eq!(
        first["chunk"],
        json!({
            "id": planted.chunks[1], "ordinal": 1, "page": 1, "heading": "Chapter", "start": 1000,
            "end": 1000 + ROTATION.len(), "text": ROTATION,
        })
    );
    // Only this chunk has both words, so it is found by words too, although another one is nearer.
    assert_eq!(first["ranks"]["keyword"], 1);
    let score = 1.0 / 61.0 + 1.0 / (60.0 + first["ranks"]["semantic"].as_f64().expect("a rank"));
    assert!((first["score"].as_f64().expect("a score") - score).abs() < 1e-12, "{first}");
    // The nearest ones are found without any of the words.
    assert_eq!(texts_of(&answer).len(), 3);
    let last = &answer.body["data"][2];
    assert_eq!((&last["chunk"]["text"], &last["ranks"]["keyword"]), (&json!(VOLCANO), &json!(null)));
}

#[tokio::test]
async fn mode_decides_which_list_is_used() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    plant(&app, &path, &[VOLCANO, ROTATION, PASSWORD]).await;
    let in_mode = async |mode: &str| {
        search(&ada, &path, json!({ "query": "the password of the cache", "mode": mode })).await.ok(200)
    };

    let semantic = in_mode("semantic").await;
    assert_eq!(texts_of(&semantic), [PASSWORD, ROTATION, VOLCANO]);
    let found = semantic.body["data"].as_array().expect("a list");
    for (place, found) in found.iter().enumerate() {
        assert_eq!(found["ranks"], json!({ "semantic": place + 1, "keyword": null }));
    }
    // The same words: the cosine is 1.
    assert!((found[0]["score"].as_f64().expect("a score") - 1.0).abs() < 1e-3, "{found:?}");

    let keyword = in_mode("keyword").await;
    let mut words = texts_of(&keyword);
    words.sort();
    assert_eq!(words, [ROTATION, PASSWORD]);
    for found in keyword.body["data"].as_array().expect("a list") {
        assert_eq!(found["ranks"]["semantic"], json!(null));
        assert!(found["score"].as_f64().expect("a score") > 0.0);
    }
    for answer in [&semantic, &keyword] {
        let scores = answer.body["data"].as_array().expect("a list").iter();
        assert!(scores.map(|found| found["score"].as_f64()).is_sorted_by(|a, b| a >= b));
    }
}

#[tokio::test]
async fn answer_has_no_more_than_the_limit() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let many: Vec<_> = (0..60).map(|number| format!("engine number {number}")).collect();
    plant(&app, &path, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for mode in ["hybrid", "semantic", "keyword"] {
        for (limit, expected) in [(None, 10), (Some(1), 1), (Some(50), 50)] {
            let mut body = json!({ "query": "engine", "mode": mode });
            if let Some(limit) = limit {
                body["limit"] = json!(limit);
            }
            let answer = search(&ada, &path, body).await.ok(200);
            assert_eq!(texts_of(&answer).len(), expected, "{mode}, {limit:?}");
        }
    }
}

#[tokio::test]
async fn labels_and_artifacts_narrow_the_search() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let (one, two) =
        (plant(&app, &path, &["first engine"]).await, plant(&app, &path, &["second engine"]).await);
    let (label_of_one, label_of_two) = (label(&app, &path, one.id).await, label(&app, &path, two.id).await);
    for mode in ["hybrid", "semantic", "keyword"] {
        let found = async |filter: serde_json::Value| {
            let mut body = json!({ "query": "engine", "mode": mode });
            body.as_object_mut().expect("an object").extend(filter.as_object().expect("an object").clone());
            let mut texts = texts_of(&search(&ada, &path, body).await.ok(200));
            texts.sort();
            texts
        };
        let both = ["first engine", "second engine"];
        assert_eq!(found(json!({})).await, both, "{mode}");
        assert_eq!(found(json!({ "labels": [label_of_one] })).await, both[..1], "{mode}");
        assert_eq!(found(json!({ "labels": [label_of_one, label_of_two] })).await, both, "{mode}");
        assert_eq!(found(json!({ "artifactIds": [two.id] })).await, both[1..], "{mode}");
        let neither = json!({ "labels": [label_of_one], "artifactIds": [two.id] });
        assert!(found(neither).await.is_empty(), "{mode}");
        // Nobody has them.
        let unknown = uuid::Uuid::now_v7();
        assert!(found(json!({ "labels": [unknown] })).await.is_empty(), "{mode}");
        assert!(found(json!({ "artifactIds": [unknown] })).await.is_empty(), "{mode}");
    }
}

#[tokio::test]
async fn only_ready_artifacts_are_found() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    for status in ["pending", "processing", "failed", "expired", "ready"] {
        let text = format!("engine {status}");
        plant_artifact(&app, &path, &Artifact { language: "english", status, texts: &[&text] }).await;
    }
    for mode in ["hybrid", "semantic", "keyword"] {
        assert_eq!(texts(&ada, &path, mode, "engine").await, ["engine ready"], "{mode}");
    }
}

#[tokio::test]
async fn deleted_artifact_is_gone_at_once() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let deleted = plant(&app, &path, &["deleted engine"]).await;
    let marked = plant(&app, &path, &["engine that is marked"]).await;
    plant(&app, &path, &["kept engine"]).await;
    for mode in ["hybrid", "semantic", "keyword"] {
        assert_eq!(texts(&ada, &path, mode, "engine").await.len(), 3, "{mode}");
    }
    ada.client.delete(&format!("{path}/artifacts/{}", deleted.id)).await.ok(204);
    // The deletion removes the chunks. For others the mark alone must be enough.
    let mark = format!("UPDATE artifacts SET deleted_at = now() WHERE id = '{}'", marked.id);
    execute(&app, &mark).await;
    for mode in ["hybrid", "semantic", "keyword"] {
        assert_eq!(texts(&ada, &path, mode, "engine").await, ["kept engine"], "{mode}");
    }
}

#[tokio::test]
async fn words_are_found_in_the_language_of_their_text() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let all = [
        ("english", "They were rotating the keys.", "rotation of a key"),
        ("german", "Die Häuser wurden verkauft.", "verkaufte Haus"),
        ("french", "Les chevaux couraient vite.", "courir cheval"),
        ("russian", "Книги лежали на столах.", "книга"),
        ("simple", "東京 の 天気 は 晴れ", "天気"),
    ];
    for (language, text, _) in &all {
        plant_artifact(&app, &path, &Artifact { language, status: "ready", texts: &[text] }).await;
    }
    for (language, text, query) in all.iter().filter(|(language, ..)| *language != "french") {
        assert_eq!(texts(&ada, &path, "keyword", query).await, [*text], "{language}");
    }
    // Snowball does not know that `cheval` and `chevaux` are one word, so the test is about the verb.
    assert_eq!(texts(&ada, &path, "keyword", "vite couraient").await, [all[2].1]);
}

#[tokio::test]
async fn quotes_or_and_minus_mean_what_they_mean_on_the_web() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    plant(&app, &path, &["a red engine", "an engine, painted red", "a blue engine"]).await;
    let found = async |query: &str| {
        let mut found = texts(&ada, &path, "keyword", query).await;
        found.sort();
        found
    };
    assert_eq!(found("red engine").await, ["a red engine", "an engine, painted red"]);
    assert_eq!(found("\"red engine\"").await, ["a red engine"]);
    assert_eq!(found("engine -painted -blue").await, ["a red engine"]);
    assert_eq!(found("painted or blue").await, ["a blue engine", "an engine, painted red"]);
    // Nothing that must occur: everything would be read.
    assert!(found("-red").await.is_empty());
    assert!(found("-red -blue").await.is_empty());
}
