//! OpenAI's own client reads the answers of the local model, and its types allow what `answers` sends.

use harness::{model::Model, service};
use local_stack::Tools;
use serde_json::json;
use tokio::process::Command;

use super::{QUESTION, app_with, ask_with, create};
use crate::search::planted::plant;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/api/answers/official_client.py");

#[tokio::test]
async fn official_client_understands_the_local_model_and_our_requests() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    plant(&app, &team, &["Backups are kept for 35 days."]).await;
    let path = create(&ada, &team).await;
    // The request has earlier messages and sources.
    ask_with(&ada, &path, json!({ "content": QUESTION })).await;
    let events = ask_with(&ada, &path, json!({ "content": QUESTION })).await;
    assert!(events.text().contains("35 days [1]"), "{}", events.text());

    let mut client = Command::new(Tools::at(service("TEST_TOOLS")).program("python"));
    client.args(["-B", SCRIPT, &service("OPENAI_BASE_URL"), model.name()]).kill_on_drop(true);
    let run = client.output().await.expect("python");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(String::from_utf8_lossy(&run.stdout), events.text());
}
