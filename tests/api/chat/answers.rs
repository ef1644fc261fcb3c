//! How an answer begins and ends, as the function does it that asks the model.

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::TestApp;
use serde_json::json;
use shared::{
    config::Prices,
    db::Tx,
    domain::conversation::{MAX_MESSAGES, MessageStatus},
    store::messages::{self, Refusal, RequestKey},
};

use super::{RESERVED, Started, ask, balance, begin, create, finish, flush, ids, principal};

#[tokio::test]
async fn one_of_sixteen_answers_at_once_begins_in_a_conversation() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, other) = (create(&ada, &team, json!({})).await, create(&ada, &team, json!({})).await);
    let owner = principal(&ada);
    ask(&app, &ada, &other).await;
    let started = join_all((0..16).map(|_| begin(&app, &owner, &path, None))).await;
    let new = started.iter().filter(|started| matches!(started, Started::New(_))).count();
    let refused = started.iter().filter(|s| **s == Started::Refused(Refusal::AnswerInProgress)).count();
    assert_eq!((new, refused), (1, 15), "{started:?}");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM messages").await, 4);
    assert_eq!(balance(&app).await, "0 2000 2000 0 0");
}

#[tokio::test]
async fn request_that_is_sent_twice_gets_the_same_answer() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, other) = (create(&ada, &team, json!({})).await, create(&ada, &team, json!({})).await);
    let owner = principal(&ada);
    let request = |key: u8, body: u8| RequestKey { key: vec![key; 32], body: vec![body; 32] };
    let Started::New(answer) = begin(&app, &owner, &path, Some(&request(1, 1))).await else {
        panic!("the answer begins");
    };
    let streaming = begin(&app, &owner, &path, Some(&request(1, 1))).await;
    assert_eq!(streaming, Started::Again(answer, MessageStatus::Streaming));
    finish(&app, &path, answer, MessageStatus::Complete, "For 35 days.").await;
    let complete = begin(&app, &owner, &path, Some(&request(1, 1))).await;
    assert_eq!(complete, Started::Again(answer, MessageStatus::Complete));
    let reused = begin(&app, &owner, &path, Some(&request(1, 2))).await;
    assert_eq!(reused, Started::Refused(Refusal::KeyReused));
    assert!(matches!(begin(&app, &owner, &other, Some(&request(1, 2))).await, Started::New(_)));
    assert!(matches!(begin(&app, &owner, &path, Some(&request(2, 2))).await, Started::New(_)));
}

#[tokio::test]
async fn conversation_ends_at_400_messages() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({})).await;
    let (organization, conversation) = ids(&path);
    let fill = format!(
        "INSERT INTO messages (id, organization_id, conversation_id, role, status, content, created_at, finished_at)
         SELECT uuidv7(), '{organization}', '{conversation}', 'user', 'complete', 'x', now(), now() FROM generate_series(1, {})",
        MAX_MESSAGES - 3
    );
    sqlx::query(sqlx::AssertSqlSafe(fill)).execute(app.database.pool()).await.expect("the messages");
    let answer = ask(&app, &ada, &path).await;
    finish(&app, &path, answer, MessageStatus::Complete, "The last one.").await;
    let refused = begin(&app, &principal(&ada), &path, None).await;
    assert_eq!(refused, Started::Refused(Refusal::ConversationTooLong));
}

/// Ends the next answer that has stopped.
async fn interrupt(app: &TestApp, prices: &str) -> bool {
    let prices: Prices = prices.parse().expect("prices");
    let work = async |tx: &mut Tx| Ok(messages::interrupt_next(tx, None, &prices).await?);
    app.state.app.db.transaction(work).await.expect("an answer of the store").is_some()
}

#[tokio::test]
async fn answer_that_has_stopped_is_settled_once() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({})).await;
    let answer = ask(&app, &ada, &path).await;
    flush(&app, &path, answer, &"x".repeat(30)).await;
    assert!(!interrupt(&app, "").await, "its deadline is not reached");
    app.clock.advance(TimeDelta::minutes(1));

    let ended = join_all((0..16).map(|_| interrupt(&app, "gpt-4.1-mini=1/2"))).await;

    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
    // 20 for the question; 10 that were stored, and 683 that may have come after.
    assert_eq!(balance(&app).await, "713 0 0 713 713");
    assert_eq!(app.database.value::<i64>("SELECT cost_micros FROM usage_days").await, 20 + 2 * 693);
    assert!(!finish(&app, &path, answer, MessageStatus::Complete, "Late").await);
    assert_eq!(balance(&app).await, "713 0 0 713 713");
    let shown = ada.client.get(&format!("{path}/messages/{answer}")).await.ok(200);
    assert_eq!(
        (shown.text("/data/status"), shown.text("/data/content")),
        ("interrupted", "x".repeat(30).as_str())
    );
}

#[tokio::test]
async fn answer_that_has_stopped_costs_no_more_than_was_reserved() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    for (written, used) in [(1_500, RESERVED), (9_000, 3_020)] {
        let path = create(&ada, &team, json!({})).await;
        let answer = ask(&app, &ada, &path).await;
        flush(&app, &path, answer, &"x".repeat(written)).await;
        app.clock.advance(TimeDelta::minutes(1));
        assert!(interrupt(&app, "").await);
        let total = "SELECT prompt_tokens + completion_tokens FROM messages WHERE role = 'assistant' ORDER BY id DESC LIMIT 1";
        // Never less than what was stored.
        assert_eq!(u64::try_from(app.database.value::<i64>(total).await), Ok(used), "{written}");
    }
}

#[tokio::test]
async fn next_answer_of_the_organization_settles_those_that_have_stopped() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (team, foreign) = (ada.create_organization("Engines").await, ada.create_organization("Other").await);
    let (path, other) = (create(&ada, &team, json!({})).await, create(&ada, &team, json!({})).await);
    let elsewhere = create(&ada, &foreign, json!({})).await;
    for path in [&path, &other, &elsewhere] {
        ask(&app, &ada, path).await;
    }
    app.clock.advance(TimeDelta::minutes(1));

    ask(&app, &ada, &path).await;

    let states = "SELECT string_agg(status, ' ' ORDER BY id) FROM messages WHERE role = 'assistant'";
    assert_eq!(
        app.database.value::<String>(states).await,
        "interrupted interrupted streaming streaming",
        "the third one is of another organization"
    );
}
