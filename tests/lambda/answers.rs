//! The bytes of streamed responses, and what becomes of an answer whose function dies.
//!
//! After the AWS Lambda Developer Guide, "Building a custom runtime: response streaming", and the Amazon API Gateway Developer Guide, "Lambda
//! proxy integration format for response streaming".

use std::{collections::HashMap, time::Duration};

use harness::{
    Person, TestApp,
    model::Model,
    runtime_api::{Function, Streamed},
};
use serde_json::{Value, json};
use shared::domain::clock::{Clock, SystemClock};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep, timeout},
};

use crate::{
    environment,
    events::{body, rest},
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A conversation, and the function on the same database.
struct Setup<'a> {
    ada: Person<'a>,
    path: String,
    function: Function,
}

impl<'a> Setup<'a> {
    async fn new(app: &'a TestApp, model: &Model) -> Self {
        let ada = app.person("Ada").await;
        let team = ada.create_organization("Engines").await;
        let made = ada.client.post(&format!("{team}/conversations"), json!({})).await.ok(201);
        let path = format!("{team}/conversations/{}", made.id());
        let function = Function::start("answers", settings(app, model)).await;
        // The clock of the function is the real one: the message must not be past its deadline.
        Self { ada, path, function }
    }

    fn event(&self, accept: &str) -> Value {
        let headers = json!({
            "content-type": "application/json", "accept": accept, "authorization": format!("Bearer {}", self.ada.access_token),
            "origin": harness::ORIGIN
        });
        let body = json!({ "content": "How long?", "sources": { "mode": "none" } }).to_string();
        rest("POST", &format!("{}/answers", self.path), &headers, Some(&body), "203.0.113.7")
    }
}

fn settings(app: &TestApp, model: &Model) -> HashMap<String, String> {
    let mut settings = environment(&app.database);
    settings.insert("CHAT_MODELS".to_owned(), model.name().to_owned());
    settings
}

/// Starts the other functions with the real time, so that tokens are valid for the function.
async fn app(model: &Model) -> TestApp {
    let app = TestApp::with(&[("CHAT_MODELS", model.name())]).await;
    app.clock.advance(SystemClock.now() - app.clock.now());
    app
}

/// Returns the next part of a response; `None` at its end.
async fn next(parts: &mut UnboundedReceiver<Streamed>) -> Option<Streamed> {
    timeout(TIMEOUT, parts.recv()).await.expect("a part in time")
}

async fn chunk(parts: &mut UnboundedReceiver<Streamed>) -> Option<String> {
    match next(parts).await? {
        Streamed::Chunk(bytes) => Some(String::from_utf8(bytes.to_vec()).expect("UTF-8")),
        head @ Streamed::Head(_) => panic!("{head:?}"),
    }
}

#[tokio::test]
async fn streamed_response_has_the_bytes_that_the_gateway_reads() {
    let model = Model::default();
    model.delay(Duration::from_millis(150)).await;
    let app = app(&model).await;
    let setup = Setup::new(&app, &model).await;
    let mut parts = setup.function.invoke_streaming(&setup.event("text/event-stream"));

    let Some(Streamed::Head(head)) = next(&mut parts).await else { panic!("the head comes first") };
    assert_eq!(head["lambda-runtime-function-response-mode"], "streaming");
    assert_eq!(head["content-type"], "application/vnd.awslambda.http-integration-response");
    assert_eq!(head["transfer-encoding"], "chunked");

    let metadata: Value = serde_json::from_str(&chunk(&mut parts).await.expect("metadata")).expect("JSON");
    assert_eq!(metadata["statusCode"], 200);
    assert_eq!(metadata["cookies"], json!([]));
    let headers = metadata["headers"].as_object().expect("headers");
    // A header that is there twice would be a list.
    for (name, value) in headers {
        assert!(value.is_string(), "{name}: {value}");
    }
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["access-control-allow-origin"], harness::ORIGIN);
    assert!(headers.contains_key("x-request-id") && headers.contains_key("strict-transport-security"));
    assert_eq!(chunk(&mut parts).await.expect("the delimiter"), "\0".repeat(8));

    let (mut events, mut times) = (String::new(), Vec::new());
    while let Some(event) = chunk(&mut parts).await {
        assert!(event.ends_with("\n\n"), "an event is one chunk: {event}");
        events.push_str(&event);
        times.push(Instant::now());
    }
    assert!(events.starts_with("id: 1\nevent: message\ndata: {"), "{events}");
    assert!(events.contains("\nevent: done\ndata: {\"status\":\"complete\""), "{events}");
    let took = *times.last().expect("events") - times[0];
    assert!(took > Duration::from_millis(500), "it is sent while the model writes: {took:?}");
    setup.function.log_line(|line| line.contains("answer ended") && line.contains("\"complete\"")).await;
    setup
        .function
        .log_line(|line| line.contains("\"Answers\":1") && line.contains("\"outcome\":\"complete\""))
        .await;
    assert!(!setup.function.log().concat().contains("How long?"));
}

#[tokio::test]
async fn failed_answer_ends_its_stream_with_an_error_and_the_function_goes_on() {
    let model = Model::new("stub-error");
    let app = app(&model).await;
    let setup = Setup::new(&app, &model).await;
    let mut parts = setup.function.invoke_streaming(&setup.event("text/event-stream"));
    let mut events = String::new();
    while let Some(part) = next(&mut parts).await {
        if let Streamed::Chunk(bytes) = part {
            events.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    let last = events.trim_end().rsplit("\n\n").next().expect("an event");
    assert!(events.contains("\nevent: delta\n"), "{events}");
    assert!(last.contains("\nevent: error\ndata: {") && last.contains("/model-unavailable\""), "{events}");
    setup.function.log_line(|line| line.contains("\"AnswersFailed\":1")).await;
    let answer = setup.function.invoke(setup.event("application/json")).await.expect("an answer");
    assert_eq!((&answer["statusCode"], &body(&answer)["data"]["status"]), (&json!(201), &json!("failed")));
}

#[tokio::test]
async fn refusals_and_answers_in_one_piece_have_the_same_form() {
    let model = Model::default();
    let app = app(&model).await;
    let setup = Setup::new(&app, &model).await;
    let answer = setup.function.invoke(setup.event("application/json")).await.expect("an answer");
    assert_eq!((&answer["statusCode"], &body(&answer)["data"]["status"]), (&json!(201), &json!("complete")));
    let mut refused = setup.event("text/event-stream");
    refused["headers"]["authorization"] = json!("Bearer forged");
    refused["multiValueHeaders"]["authorization"] = json!(["Bearer forged"]);
    let answer = setup.function.invoke(refused).await.expect("an answer");
    assert_eq!(answer["statusCode"], 401);
    assert_eq!(answer["headers"]["content-type"], "application/problem+json");
    assert_eq!(body(&answer)["type"], "https://archesai.com/problems/unauthenticated");
    for (_, value) in answer["headers"].as_object().expect("headers") {
        assert!(value.is_string(), "{answer}");
    }
}

#[tokio::test]
async fn answer_of_a_killed_function_is_interrupted_and_settled() {
    let model = Model::default();
    model.delay(Duration::from_millis(700)).await;
    let app = app(&model).await;
    let mut setup = Setup::new(&app, &model).await;
    let mut parts = setup.function.invoke_streaming(&setup.event("text/event-stream"));
    let mut seen = String::new();
    // After two seconds the text is stored.
    while !seen.contains("do ") {
        match next(&mut parts).await.expect("more text") {
            Streamed::Chunk(bytes) => seen.push_str(&String::from_utf8_lossy(&bytes)),
            Streamed::Head(_) => {}
        }
    }
    sleep(Duration::from_millis(300)).await;
    setup.function.kill().await;

    let messages = setup.ada.client.get(&format!("{}/messages", setup.path)).await.ok(200);
    assert_eq!(messages.body["data"][0]["status"], "streaming");
    app.clock.advance(chrono::TimeDelta::minutes(5));
    let messages =
        setup.ada.sign_in_again().await.client.get(&format!("{}/messages", setup.path)).await.ok(200);
    assert_eq!(messages.body["data"][0]["status"], "interrupted");
    assert!(
        messages.body["data"][0]["content"].as_str().expect("a text").starts_with("The "),
        "{messages:?}"
    );

    // The next question settles it.
    model.recover().await;
    let body = json!({ "content": "How long?", "sources": { "mode": "none" } });
    setup.ada.sign_in_again().await.client.post(&format!("{}/answers", setup.path), body).await.ok(201);
    let balance = "SELECT concat_ws(' ', sum(reserved), (SELECT count(*) FROM token_reservations),
                                    sum(used) = (SELECT sum(prompt_tokens + completion_tokens) FROM usage_days)) FROM token_budgets";
    assert_eq!(app.database.value::<String>(balance).await, "0 0 t");
    let used = app.database.value::<i64>("SELECT sum(used)::bigint FROM token_budgets").await;
    assert!(u64::try_from(used).expect("a count") >= model.seen().await.tokens);
}

#[tokio::test]
async fn function_answers_again_after_a_response_that_was_not_read() {
    let model = Model::default();
    model.delay(Duration::from_millis(300)).await;
    let app = app(&model).await;
    let setup = Setup::new(&app, &model).await;
    let mut parts = setup.function.invoke_streaming(&setup.event("text/event-stream"));
    for _ in 0..4 {
        next(&mut parts).await.expect("a part");
    }
    drop(parts);
    let stopped = async {
        while model.seen().await.aborted == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(3), stopped).await.expect("the model is stopped within three seconds");
    model.recover().await;
    let answer = setup.function.invoke(setup.event("application/json")).await.expect("an answer");
    assert_eq!(answer["statusCode"], 201, "{answer}");
}

/// Inserts a ready artifact with one passage.
async fn plant(app: &TestApp, path: &str, text: &str) {
    let organization = path.split('/').nth(3).expect("the id of the organization");
    let insert = format!(
        "WITH artifact AS (
             INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, language, progressed_at,
                                    created_at, updated_at)
             VALUES (uuidv7(), '{organization}', 'canary name', 'text/plain', 1, sha256('x'), 'ready', 'english', now(), now(), now())
             RETURNING id
         )
         INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, starts, ends, terms)
         SELECT uuidv7(), '{organization}', id, 0, '{text}', 0, 9, to_tsvector('english', '{text}') FROM artifact"
    );
    sqlx::query(sqlx::AssertSqlSafe(insert)).execute(app.database.pool()).await.expect("an artifact");
}

#[tokio::test]
async fn no_question_source_or_answer_is_logged_even_at_level_trace() {
    for kind in ["stub-fast", "stub-error", "stub-garbage"] {
        let model = Model::new(kind);
        let app = app(&model).await;
        let setup = Setup::new(&app, &model).await;
        plant(&app, &setup.path, "The canary passage is kept for ever").await;
        let mut settings = settings(&app, &model);
        settings.insert("LOG_LEVEL".to_owned(), "trace".to_owned());
        let function = Function::start("answers", settings).await;
        let mut event = setup.event("application/json");
        event["body"] = json!({ "content": "How long is the canary question kept?" }).to_string().into();
        let answer = function.invoke(event).await.expect("an answer");
        let message = body(&answer);
        assert_eq!(message["data"]["sources"][0]["quote"], "The canary passage is kept for ever", "{answer}");
        function.log_line(|line| line.contains("answer ended")).await;
        for line in function.log() {
            assert!(!line.contains("canary"), "{line}");
        }
    }
}
