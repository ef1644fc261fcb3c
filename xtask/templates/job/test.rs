use harness::{Database, environment, runtime_api::Function};
use serde_json::json;

#[tokio::test]
async fn %snake%_refuses_an_unknown_event_and_reports_a_run() {
    let database = Database::create().await;
    let job = Function::start("%kebab%", environment(&database)).await;

    job.invoke(json!({ "dryRun": "maybe" })).await.expect_err("no boolean");
    job.invoke(json!({ "everything": true })).await.expect_err("no such field");

    let report = job.invoke(json!({ "dryRun": true })).await.expect("a report");
    assert_eq!(report, json!({ "dryRun": true, "rows": 0 }));
    let report = job.invoke(json!({})).await.expect("a report");
    assert_eq!(report, json!({ "dryRun": false, "rows": 0 }));
}

#[tokio::test]
async fn %snake%_fails_without_a_database() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("DATABASE_URL".to_owned(), "postgresql://nobody:nothing@127.0.0.1:1/nothing".to_owned());
    let job = Function::start("%kebab%", environment).await;
    let error = job.invoke(json!({})).await.expect_err("no database");
    assert!(error.to_string().contains("database"), "{error}");
}
