//! `POST …/search`, on chunks that the tests plant as `index` writes them.

mod degraded;
mod hostile;
mod modes;
pub mod planted;
mod recall;
mod tenants;

use harness::{Answer, Database, Person, TestApp, environment, events::rest, runtime_api::Function};
use serde_json::{Value, json};

/// Searches, and returns the answer.
async fn search(person: &Person<'_>, organization: &str, body: Value) -> Answer {
    person.client.post(&format!("{organization}/search"), body).await
}

/// Searches in `mode`, and returns the texts that were found.
async fn texts(person: &Person<'_>, organization: &str, mode: &str, query: &str) -> Vec<String> {
    let body = json!({ "query": query, "mode": mode, "limit": 50 });
    texts_of(&search(person, organization, body).await.ok(200))
}

fn texts_of(answer: &Answer) -> Vec<String> {
    let data = answer.body["data"].as_array().expect("a list");
    data.iter().map(|found| found["chunk"]["text"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn search_lets_nobody_in_without_a_token() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/search", ada.create_organization("Engines").await);
    let body = json!({ "query": "engine" });
    app.client().post(&path, body.clone()).await.refused(401, "unauthenticated");
    app.client().token("forged").post(&path, body.clone()).await.refused(401, "unauthenticated");
    app.person("Zoe").await.client.post(&path, body).await.refused(404, "organization-not-found");
}

#[tokio::test]
async fn search_answers_the_events_of_the_gateway() {
    let database = Database::create().await;
    let function = Function::start("search", environment(&database)).await;
    let path = "/v1/organizations/01890000-0000-7000-8000-000000000000/search";
    let body = json!({ "query": "engine" }).to_string();
    let headers = json!({ "content-type": "application/json" });
    let event = rest("POST", path, &headers, Some(&body), "203.0.113.7");
    let answer = function.invoke(event).await.expect("an answer");
    assert_eq!(answer["statusCode"], 401, "{answer}");
}
