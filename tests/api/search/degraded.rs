//! Search without the model and without tokens, and what a search costs.

use std::time::Duration;

use chrono::TimeDelta;
use harness::{TestApp, model::Model};
use serde_json::json;
use tokio::time::Instant;

use super::{
    planted::{execute, id_of, plant},
    search, texts_of,
};

const QUERY: &str = "Babbage engine";
const TEXT: &str = "Babbage keeps his engine at home";
/// The tokens of a month in the plan `enterprise`.
const BUDGET: i64 = 200_000_000;

async fn app_with(model: &Model) -> TestApp {
    TestApp::with(&[("EMBEDDING_MODEL", model.name())]).await
}

/// Returns the tokens of queries that are recorded for the organization, and those that are still reserved.
async fn tokens(app: &TestApp, organization: &str) -> (i64, i64) {
    sqlx::query_as(
        "SELECT coalesce((SELECT sum(prompt_tokens) FROM usage_days WHERE organization_id = $1 AND kind = 'query'), 0)::bigint,
                coalesce((SELECT sum(reserved) FROM token_budgets WHERE organization_id = $1), 0)::bigint",
    )
    .bind(id_of(organization))
    .fetch_one(app.database.pool())
    .await
    .expect("sums")
}

#[tokio::test]
async fn without_the_model_hybrid_searches_by_words_and_says_so() {
    for fault in ["500", "429", "garbage"] {
        let model = Model::default();
        let app = app_with(&model).await;
        let ada = app.person("Ada").await;
        let path = ada.create_organization("Engines").await;
        plant(&app, &path, &[TEXT]).await;
        model.fail(fault, None).await;

        let answer = search(&ada, &path, json!({ "query": QUERY })).await.ok(200);
        assert_eq!(answer.body["meta"], json!({ "mode": "hybrid", "degraded": "keyword-only" }), "{fault}");
        assert_eq!(texts_of(&answer), [TEXT], "{fault}");
        assert_eq!(answer.body["data"][0]["ranks"], json!({ "semantic": null, "keyword": 1 }), "{fault}");
        let answer = search(&ada, &path, json!({ "query": QUERY, "mode": "semantic" })).await;
        answer.refused(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "5");
        let answer = search(&ada, &path, json!({ "query": QUERY, "mode": "keyword" })).await.ok(200);
        assert_eq!(answer.body["meta"], json!({ "mode": "keyword", "degraded": null }));
        assert_eq!(model.seen().await.failed, 2, "{fault}: words need no model");
        assert_eq!(tokens(&app, &path).await, (0, 0), "{fault}: nothing was used, nothing is reserved");

        model.recover().await;
        let answer = search(&ada, &path, json!({ "query": QUERY })).await.ok(200);
        assert_eq!(answer.body["meta"]["degraded"], json!(null), "{fault}");
    }
}

#[tokio::test]
async fn model_that_does_not_answer_costs_seconds_and_no_transaction() {
    let model = Model::default();
    let app = app_with(&model).await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    plant(&app, &path, &[TEXT]).await;
    model.fail("hang", None).await;

    let begin = Instant::now();
    let searching = search(&ada, &path, json!({ "query": QUERY }));
    let looking = async {
        // Until the model was asked.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let open = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        app.database.value::<i64>(open).await
    };
    let (answer, open) = tokio::join!(searching, looking);
    assert_eq!(open, 0, "a transaction is open while the model is asked");
    assert_eq!(answer.ok(200).body["meta"]["degraded"], "keyword-only");
    assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn model_that_keeps_failing_is_not_asked() {
    let model = Model::default();
    let app = app_with(&model).await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    plant(&app, &path, &[TEXT]).await;
    model.fail("500", None).await;
    for number in 0..5 {
        search(&ada, &path, json!({ "query": format!("{QUERY} {number}") })).await.ok(200);
    }
    let failed = model.seen().await.failed;
    model.recover().await;
    let answer = search(&ada, &path, json!({ "query": QUERY })).await.ok(200);
    assert_eq!(answer.body["meta"]["degraded"], "keyword-only");
    assert_eq!(texts_of(&answer), [TEXT]);
    let seen = model.seen().await;
    assert_eq!((failed, seen.failed), (5, 5));
    assert_eq!(tokens(&app, &path).await, (0, 0));
}

#[tokio::test]
async fn organization_without_tokens_searches_by_words() {
    let model = Model::default();
    let app = app_with(&model).await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (path, other) = (ada.create_organization("Engines").await, zoe.create_organization("Others").await);
    plant(&app, &path, &[TEXT]).await;
    let before = model.seen().await.inputs;
    let month = "2026-01-01";
    let used_up = format!(
        "INSERT INTO token_budgets (organization_id, month, used) VALUES ('{}', '{month}', {BUDGET})",
        id_of(&path)
    );
    execute(&app, &used_up).await;

    let answer = search(&ada, &path, json!({ "query": QUERY })).await.ok(200);
    assert_eq!(answer.body["meta"]["degraded"], "keyword-only");
    assert_eq!(texts_of(&answer), [TEXT]);
    let answer = search(&ada, &path, json!({ "query": QUERY, "mode": "semantic" })).await;
    answer.refused(429, "budget-used-up");
    // The clock of the tests shows 2026-01-02T03:04:05Z.
    assert_eq!(answer.header("retry-after"), (30 * 86_400 - 11_045).to_string());
    assert_eq!(answer.header("ratelimit-limit"), BUDGET.to_string());
    assert_eq!(model.seen().await.inputs, before, "the model was not asked");

    // A call in progress needs the rest. It may use less.
    execute(
        &app,
        &format!(
            "UPDATE token_budgets SET used = used - 100, reserved = 100 WHERE organization_id = '{}'",
            id_of(&path)
        ),
    )
    .await;
    let answer = search(&ada, &path, json!({ "query": QUERY, "mode": "semantic" })).await;
    answer.refused(429, "budget-used-up");
    assert_eq!(answer.header("retry-after"), "10");

    // Those of another organization are its own.
    let answer = search(&zoe, &other, json!({ "query": QUERY })).await.ok(200);
    assert_eq!(answer.body["meta"]["degraded"], json!(null));
    app.clock.advance(TimeDelta::days(30));
    let ada = ada.sign_in_again().await;
    let answer = search(&ada, &path, json!({ "query": QUERY })).await.ok(200);
    assert_eq!(answer.body["meta"]["degraded"], json!(null), "a new month");
}

#[tokio::test]
async fn vector_of_a_query_is_paid_once_and_by_each_organization() {
    let model = Model::default();
    let app = app_with(&model).await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (path, other) = (ada.create_organization("Engines").await, zoe.create_organization("Others").await);
    plant(&app, &path, &[TEXT]).await;
    let planted = model.seen().await;

    let first = search(&ada, &path, json!({ "query": QUERY })).await.ok(200);
    let (paid, reserved) = tokens(&app, &path).await;
    let seen = model.seen().await;
    assert_eq!(u64::try_from(paid).expect("tokens"), seen.tokens - planted.tokens);
    assert_eq!((seen.requests - planted.requests, reserved), (1, 0));
    assert!(paid > 0);
    for mode in ["hybrid", "semantic"] {
        let again = search(&ada, &path, json!({ "query": format!(" {QUERY} "), "mode": mode })).await.ok(200);
        assert_eq!(texts_of(&again), texts_of(&first));
    }
    assert_eq!(model.seen().await, seen, "its vector was cached");
    assert_eq!(tokens(&app, &path).await, (paid, 0));

    // Otherwise the time of an answer would tell what others search for.
    search(&zoe, &other, json!({ "query": QUERY })).await.ok(200);
    assert_eq!(model.seen().await.requests, seen.requests + 1);
    assert_eq!(tokens(&app, &other).await, (paid, 0));
}

#[tokio::test]
async fn query_costs_what_the_prices_say() {
    let model = Model::default();
    let prices = format!("{}=3", model.name());
    let app = TestApp::with(&[("EMBEDDING_MODEL", model.name()), ("MODEL_PRICES", &prices)]).await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    search(&ada, &path, json!({ "query": QUERY })).await.ok(200);
    let (paid, _) = tokens(&app, &path).await;
    assert!(paid > 0);
    assert_eq!(app.database.value::<i64>("SELECT cost_micros FROM usage_days").await, 3 * paid);
}

#[tokio::test]
async fn redis_has_no_query() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let query = "xylophone canary";
    search(&ada, &path, json!({ "query": query })).await.ok(200);

    let prefix = app.state.app.redis.key("");
    let mut commands = redis::pipe();
    commands.cmd("KEYS").arg(format!("{prefix}*"));
    let (names,): (Vec<String>,) = app.state.app.redis.query(&commands).await.expect("names");
    let vectors: Vec<_> = names.iter().filter(|name| name.contains("query-vector")).collect();
    assert_eq!(vectors.len(), 1, "{names:?}");
    assert!(names.iter().all(|name| !name.contains("xylophone") && !name.contains("canary")), "{names:?}");
    let mut commands = redis::pipe();
    commands.ttl(vectors[0]).get(vectors[0]);
    let (ttl, value): (i64, Vec<u8>) = app.state.app.redis.query(&commands).await.expect("a value");
    assert!((590..=600).contains(&ttl), "{ttl}");
    assert!(!value.windows(6).any(|window| window == b"canary"));
}

#[tokio::test]
async fn searches_of_one_caller_are_limited() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "member").await;
    let body = json!({ "query": QUERY, "mode": "keyword" });
    for _ in 0..60 {
        search(&ada, &path, body.clone()).await.ok(200);
    }
    let answer = search(&ada, &path, body.clone()).await;
    answer.refused(429, "too-many-attempts");
    assert_eq!(answer.header("ratelimit-limit"), "60");
    let in_a_new_session = search(&ada.sign_in_again().await, &path, body.clone()).await;
    in_a_new_session.refused(429, "too-many-attempts");
    search(&bob, &path, body.clone()).await.ok(200);
    app.clock.advance(TimeDelta::minutes(1));
    search(&ada, &path, body).await.ok(200);
}
