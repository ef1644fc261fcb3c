//! An answer of a language model whose database fails in the middle.

use std::time::Duration;

use harness::{Person, model::Model};
use serde_json::json;
use shared::db::connect_options;
use sqlx::{Connection, PgConnection};
use tokio::time::{sleep, timeout};

use crate::{recovers, services::Services};

/// Waits until an answer in the conversation at `path` is being written.
async fn begun(ada: &Person<'_>, path: &str) {
    let wait = async {
        loop {
            let messages = ada.client.get(&format!("{path}/messages")).await.ok(200);
            if messages.body["data"][0]["status"] == "streaming" {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), wait).await.expect("an answer begins");
}

/// Returns reserved tokens, reservations, and whether the days have what was used.
async fn balance(services: &Services) -> String {
    let options = connect_options(&services.owner_url()).expect("a URL");
    let mut connection = PgConnection::connect_with(&options).await.expect("a connection");
    let balance = "SELECT concat_ws(' ', sum(reserved), (SELECT count(*) FROM token_reservations),
                                    sum(used) = (SELECT sum(prompt_tokens + completion_tokens) FROM usage_days)) FROM token_budgets";
    sqlx::query_scalar(balance).fetch_one(&mut connection).await.expect("the sums")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_goes_on_without_postgresql_and_its_tokens_are_settled_later() {
    let mut services = Services::start().await;
    let model = Model::default();
    model.delay(Duration::from_millis(500)).await;
    let app = services.app(&[("CHAT_MODELS", model.name())]).await;
    let ada = app.verified_person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let made = ada.client.post(&format!("{team}/conversations"), json!({})).await.ok(201);
    let path = format!("{team}/conversations/{}", made.id());
    let answers = format!("{path}/answers");
    let body = json!({ "content": "How long?", "sources": { "mode": "none" } });

    let client = ada.client.with("accept", "text/event-stream");
    let stop = async {
        begun(&ada, &path).await;
        services.stop_postgres();
    };
    let (answer, ()) = tokio::join!(client.post(&answers, body.clone()), stop);
    let events = answer.ok(200).page;
    let last = events.trim_end().rsplit("\n\n").next().expect("an event");
    assert!(last.contains("event: error") && last.contains("/unavailable\""), "{events}");
    assert_eq!(events.matches("event: delta").count(), 6, "the whole text came: {events}");

    services.resume_postgres();
    recovers(&ada.client, "/v1/auth/me", 200).await;
    let stored = ada.client.get(&format!("{path}/messages")).await.ok(200);
    assert_eq!(stored.text("/data/0/status"), "streaming");
    app.clock.advance(chrono::TimeDelta::minutes(5));
    let again = ada.sign_in_again().await;
    let stored = again.client.get(&format!("{path}/messages")).await.ok(200);
    assert_eq!(stored.text("/data/0/status"), "interrupted");
    model.recover().await;
    again.client.post(&answers, body).await.ok(201);
    assert_eq!(balance(&services).await, "0 0 t");
}
