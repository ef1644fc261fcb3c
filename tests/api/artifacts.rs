use harness::{Database, TestApp, environment, events::rest, runtime_api::Function};
use serde_json::json;

#[tokio::test]
async fn artifacts_lets_nobody_in_without_a_token() {
    let app = TestApp::new().await;
    app.client().get("/v1/artifacts/status").await.refused(401, "unauthenticated");
    app.client().token("forged").get("/v1/artifacts/status").await.refused(401, "unauthenticated");
    app.client().get("/v1/artifacts/nowhere").await.refused(404, "no-such-route");
    let ada = app.person("Ada").await;
    assert_eq!(ada.client.get("/v1/artifacts/status").await.ok(200).text("/data/status"), "ok");
}

#[tokio::test]
async fn artifacts_answers_the_events_of_the_gateway() {
    let database = Database::create().await;
    let function = Function::start("artifacts", environment(&database)).await;
    let event = rest("GET", "/v1/artifacts/status", &json!({}), None, "203.0.113.7");
    let answer = function.invoke(event).await.expect("an answer");
    assert_eq!(answer["statusCode"], 401, "{answer}");
}
