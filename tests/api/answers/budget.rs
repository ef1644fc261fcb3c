//! Tokens are reserved before the model is asked, and settled afterwards.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use harness::{Person, TestApp, model::Model};
use serde_json::json;

use super::{BEGUN, QUESTION, app_with, ask, balance, create, settled, wait_for};

/// The time of a word, so that no answer has ended when the last one begins.
const SLOW: Duration = Duration::from_millis(800);

/// Leaves so many tokens of the budget of `free` to the organization.
async fn leave(app: &TestApp, team: &str, tokens: i64) {
    let organization = team.rsplit('/').next().expect("an id");
    let insert = format!(
        "INSERT INTO token_budgets (organization_id, month, used) VALUES ('{organization}', '2026-01-01', {})",
        200_000 - tokens
    );
    sqlx::query(sqlx::AssertSqlSafe(insert)).execute(app.database.pool()).await.expect("a budget");
}

/// Asks in sixteen conversations at once. Returns how many answers were complete, and checks the refusal of the others.
async fn ask_sixteen(ada: &Person<'_>, team: &str, problem: &str) -> usize {
    let paths = join_all((0..16).map(|_| create(ada, team))).await;
    let body = json!({ "content": QUESTION, "sources": { "mode": "none" }, "maxTokens": 1_000 });
    let post = async |path: &String| ada.client.post(&format!("{path}/answers"), body.clone()).await;
    let answers = join_all(paths.iter().map(post)).await;
    let (good, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
    for answer in &refused {
        answer.refused(429, problem);
    }
    assert!(good.iter().all(|answer| answer.text("/data/status") == "complete"));
    good.len()
}

#[tokio::test]
async fn sixteen_answers_at_once_cannot_pass_the_budget() {
    let model = Model::default();
    model.delay(SLOW).await;
    let app = app_with(&model, &[("DEFAULT_PLAN", "free")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    // Each reserves 1,000 and less than 100 for its question.
    leave(&app, &team, 3_500).await;
    assert_eq!(ask_sixteen(&ada, &team, "budget-used-up").await, 3);
    let [used, reserved, reservations, of_days] = balance(&app).await;
    assert_eq!((reserved, reservations), (0, 0));
    assert_eq!(used, 200_000 - 3_500 + of_days);
    assert_eq!(u64::try_from(of_days), Ok(model.seen().await.tokens));
}

#[tokio::test]
async fn eight_answers_of_an_organization_are_written_at_once() {
    let model = Model::default();
    model.delay(SLOW).await;
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    assert_eq!(ask_sixteen(&ada, &team, "too-many-answers").await, 8);
    settled(&app).await;
}

#[tokio::test]
async fn refusal_says_when_the_budget_begins_again() {
    let model = Model::default();
    let app = app_with(&model, &[("DEFAULT_PLAN", "free")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    leave(&app, &team, 100).await;
    let path = format!("{}/answers", create(&ada, &team).await);
    let refused = ada.client.post(&path, json!({ "content": QUESTION })).await;
    refused.refused(429, "budget-used-up");
    let february: DateTime<Utc> = "2026-02-01T00:00:00Z".parse().expect("a time");
    let wait = (february - app.state.app.clock.now()).num_seconds();
    assert_eq!(
        (refused.header("retry-after"), refused.header("ratelimit-limit")),
        (wait.to_string().as_str(), "200000")
    );
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM messages").await, 0);
    assert_eq!(model.seen().await.requests, 0);
}

#[tokio::test]
async fn answer_that_reaches_the_next_month_counts_for_the_one_of_its_beginning() {
    let model = Model::default();
    model.delay(Duration::from_millis(150)).await;
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let january: DateTime<Utc> = "2026-01-31T23:59:59Z".parse().expect("a time");
    app.clock.advance(january - app.state.app.clock.now());
    let turn = async {
        wait_for(&app, BEGUN, "begun").await;
        app.clock.advance(chrono::TimeDelta::seconds(2));
    };
    let signed_in_again = ada.sign_in_again().await;
    let (events, ()) = tokio::join!(ask(&signed_in_again, &path), turn);
    assert_eq!(events.status(), "complete");
    let used = settled(&app).await;
    let months =
        "SELECT string_agg(month::text || ' ' || used, ' ' ORDER BY month) FROM token_budgets WHERE used > 0";
    assert_eq!(app.database.value::<String>(months).await, format!("2026-01-01 {used}"));
    assert_eq!(app.database.value::<String>("SELECT day::text FROM usage_days").await, "2026-01-31");
}

#[tokio::test]
async fn answer_has_its_price() {
    let model = Model::default();
    let prices = format!("{}=1000/2000", model.name());
    // A price is needed for the embedding model too.
    let settings = [("EMBEDDING_MODEL", model.name()), ("MODEL_PRICES", prices.as_str())];
    let app = app_with(&model, &settings).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    ask(&ada, &path).await;
    let cost = "SELECT cost_micros = 1000 * (prompt_tokens + 2 * completion_tokens) AND cost_micros > 0 FROM usage_days";
    assert!(app.database.value::<bool>(cost).await);
}

#[tokio::test]
async fn tokens_that_the_model_does_not_report_are_estimated() {
    let model = Model::new("stub-nousage");
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let events = ask(&ada, &path).await;
    assert_eq!((events.status(), &events.one("done")["usage"]["estimated"]), ("complete", &json!(true)));
    let used = settled(&app).await;
    assert!(u64::try_from(used).expect("a count") >= model.seen().await.tokens, "{used}");
    assert_eq!(app.database.value::<i64>("SELECT estimated_tokens FROM usage_days").await, used);
}
