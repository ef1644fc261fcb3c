//! Conversations with chat models that are not part of this project, through the real `answers`. `cargo xtask trial models` runs it.

use std::{collections::HashMap, path::Path, process::Command, time::Duration};

use harness::{
    Database, Person, TestApp, environment,
    events::rest,
    runtime_api::{Function, Streamed},
    service,
};
use local_stack::{Scratch, Service, Tools, ports};
use serde_json::{Value, json};
use shared::{
    config::Environment,
    domain::{
        clock::{Clock, SystemClock},
        deadline::Deadline,
    },
    http_client::{HttpClient, Request},
};
use tokio::time::{Instant, sleep, timeout};
use url::Url;
use uuid::Uuid;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/trial/models");
const QUESTION: &str = "How long are backups kept?";
const SOURCE: &str =
    "Backups are kept for 35 days. Every night a backup is made, and every week one is restored.";
/// Longer than a small model needs on a busy machine.
const MAX_TIME: Duration = Duration::from_mins(5);

/// A running server of a chat model.
struct ChatServer {
    url: String,
    model: &'static str,
    _service: Service,
    _scratch: Scratch,
}

impl ChatServer {
    /// The server of llama.cpp.
    async fn llama() -> Self {
        Self::start("smollm2", |venv, port| {
            let mut command = Command::new(venv.with_file_name("chat").join("bin/python"));
            command.args(["-B", &format!("{FOLDER}/llama.py"), port]);
            command
        })
        .await
    }

    /// The mock.
    async fn aimock() -> Self {
        Self::start("gpt-4.1-mini", |venv, port| {
            let mut command = Tools::at(venv).node().expect("Node");
            command.arg(venv.with_file_name("aimock").join("node_modules/.bin/llmock"));
            command.args(["--port", port, "--fixtures", &format!("{FOLDER}/aimock.json")]);
            command
        })
        .await
    }

    async fn start(model: &'static str, command: impl FnOnce(&Path, &str) -> Command) -> Self {
        let (port, scratch) = (ports::free().expect("a free port"), Scratch::create().expect("a folder"));
        let tools = Tools::at(service("TEST_TOOLS"));
        let mut command = command(tools.path(), &port.to_string());
        let mut service = Service::start(model, &mut command, scratch.path()).expect("a server");
        let url = format!("http://127.0.0.1:{port}/v1");
        let models: Url = format!("{url}/models").parse().expect("a URL");
        let ready = async {
            while !is_ready(&models).await {
                service.check().expect("a running server");
                sleep(Duration::from_millis(200)).await;
            }
        };
        timeout(MAX_TIME, ready).await.expect("a ready server");
        Self { url, model, _service: service, _scratch: scratch }
    }
}

async fn is_ready(url: &Url) -> bool {
    let request = Request {
        method: "GET",
        url,
        headers: &[],
        body: Vec::new(),
        deadline: Deadline::after(Duration::from_secs(5)),
        max_bytes: 1 << 20,
    };
    HttpClient::new(Environment::Test).send(request).await.is_ok_and(|response| response.status() == 200)
}

/// A conversation through an instance of `answers`.
struct Conversation<'a> {
    ada: Person<'a>,
    path: String,
    function: Function,
}

/// An answer that was read to its end.
#[derive(Debug)]
struct Read {
    events: Vec<(String, Value)>,
    first_text: Option<Duration>,
    whole: Duration,
}

impl<'a> Conversation<'a> {
    async fn begin(app: &'a TestApp, server: &ChatServer) -> Self {
        let ada = app.person("Ada").await;
        let team = ada.create_organization("Engines").await;
        plant(app, &team).await;
        let made =
            ada.client.post(&format!("{team}/conversations"), json!({ "model": server.model })).await.ok(201);
        let path = format!("{team}/conversations/{}", made.id());
        let mut settings: HashMap<_, _> = environment(&app.database);
        let changes = [
            ("CHAT_MODELS", server.model),
            ("OPENAI_BASE_URL", server.url.as_str()),
            ("OPENAI_TIMEOUT", "120000"),
            ("CHAT_CONTEXT_TOKENS", "2000"),
        ];
        settings.extend(changes.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self { ada, path, function: Function::start("answers", settings).await }
    }

    fn event(&self, content: &str, mode: &str, max_tokens: u32) -> Value {
        let headers = json!({
            "content-type": "application/json", "accept": "text/event-stream",
            "authorization": format!("Bearer {}", self.ada.access_token)
        });
        let body =
            json!({ "content": content, "sources": { "mode": mode }, "maxTokens": max_tokens }).to_string();
        rest("POST", &format!("{}/answers", self.path), &headers, Some(&body), "203.0.113.7")
    }

    async fn ask(&self, content: &str, mode: &str, max_tokens: u32) -> Read {
        let begin = Instant::now();
        let mut parts = self.function.invoke_streaming(&self.event(content, mode, max_tokens));
        let (mut stream, mut first_text) = (String::new(), None);
        let reading = async {
            while let Some(part) = parts.recv().await {
                if let Streamed::Chunk(bytes) = part {
                    stream.push_str(&String::from_utf8_lossy(&bytes));
                    if stream.contains("event: delta") {
                        first_text.get_or_insert_with(|| begin.elapsed());
                    }
                }
            }
        };
        timeout(MAX_TIME, reading).await.expect("an end");
        let events = stream.split("\n\n").filter_map(|event| {
            let name = event.lines().find_map(|line| line.strip_prefix("event: "))?;
            let data = event.lines().find_map(|line| line.strip_prefix("data: "))?;
            Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
        });
        Read { events: events.collect(), first_text, whole: begin.elapsed() }
    }
}

impl Read {
    fn one(&self, name: &str) -> &Value {
        let found = self.events.iter().find(|event| event.0 == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }

    fn text(&self) -> String {
        let deltas = self.events.iter().filter(|event| event.0 == "delta");
        deltas.map(|event| event.1["text"].as_str().expect("a text")).collect()
    }

    fn used(&self) -> i64 {
        let usage = &self.one("done")["usage"];
        assert_eq!(usage["estimated"], false, "{self:?}");
        ["promptTokens", "completionTokens"].map(|name| usage[name].as_i64().expect("a count")).iter().sum()
    }

    fn code(&self) -> &str {
        self.one("error")["type"].as_str().and_then(|kind| kind.rsplit('/').next()).expect("a code")
    }

    /// Prints how fast the model was.
    fn print(&self, server: &ChatServer) {
        let tokens =
            self.one("done")["usage"]["completionTokens"].as_u64().and_then(|n| u32::try_from(n).ok());
        let (tokens, first) = (tokens.expect("a count"), self.first_text.expect("a text"));
        let rate = f64::from(tokens) / (self.whole - first).as_secs_f64().max(0.001);
        println!(
            "{}: first text after {} ms, {tokens} tokens, {rate:.1} tokens/s",
            server.model,
            first.as_millis()
        );
        println!("  {:?}", self.text());
    }
}

/// Creates an artifact with one passage, which is found by its words.
async fn plant(app: &TestApp, team: &str) {
    let organization: Uuid = team.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    sqlx::query(
        "WITH artifact AS (
             INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, language, progressed_at, created_at, updated_at)
             VALUES ($1, $2, 'Handbook', 'text/plain', 1, sha256($1::text::bytea), 'ready', 'english', now(), now(), now())
             RETURNING id
         ), total AS (
             INSERT INTO organization_totals (organization_id, artifacts, bytes, chunks) VALUES ($2, 1, 1, 1)
             ON CONFLICT (organization_id) DO UPDATE SET chunks = organization_totals.chunks + 1
         )
         INSERT INTO chunks (id, organization_id, artifact_id, ordinal, text, heading, page, starts, ends, terms)
         SELECT $3, $2, id, 0, $4, 'Chapter', 1, 0, length($4), to_tsvector('english', $4) FROM artifact",
    )
    .bind(Uuid::now_v7())
    .bind(organization)
    .bind(Uuid::now_v7())
    .bind(SOURCE)
    .execute(app.database.pool())
    .await
    .expect("a passage");
}

/// Returns the app, whose conversations may have the model of `server`.
async fn app(server: &ChatServer) -> TestApp {
    let app = TestApp::on(Database::create().await, &[("CHAT_MODELS", server.model)]);
    app.clock.advance(SystemClock.now() - app.clock.now());
    app
}

/// Returns the tokens that are used. Nothing may be reserved, and the days must have as many.
async fn settled(app: &TestApp) -> i64 {
    let value = async |query: &'static str| app.database.value::<i64>(query).await;
    assert_eq!(value("SELECT count(*) FROM messages WHERE status = 'streaming'").await, 0);
    assert_eq!(value("SELECT count(*) + (SELECT coalesce(sum(reserved), 0) FROM token_budgets)::bigint FROM token_reservations").await, 0);
    let used = value("SELECT coalesce(sum(used), 0)::bigint FROM token_budgets").await;
    assert_eq!(
        value("SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint FROM usage_days").await,
        used
    );
    used
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_of_others_llama() {
    let server = ChatServer::llama().await;
    let app = app(&server).await;
    let conversation = Conversation::begin(&app, &server).await;

    let answer = conversation.ask(QUESTION, "auto", 60).await;
    answer.print(&server);
    // The server has no embeddings.
    assert_eq!(answer.one("done")["retrieval"], "keyword-only", "{answer:?}");
    assert_eq!(answer.one("sources").as_array().map(Vec::len), Some(1), "{answer:?}");
    assert!(!answer.text().trim().is_empty(), "{answer:?}");
    let mut used = answer.used();
    assert_eq!(settled(&app).await, used);

    let short = conversation.ask("And why? Answer at length.", "none", 5).await;
    short.print(&server);
    assert_eq!(short.one("done")["status"], "length", "{short:?}");
    used += short.used();
    assert_eq!(settled(&app).await, used);

    // The client leaves while the model writes.
    let mut parts =
        conversation.function.invoke_streaming(&conversation.event("Tell me a long story.", "none", 1_000));
    let begun = async {
        while let Some(part) = parts.recv().await {
            if matches!(&part, Streamed::Chunk(bytes) if String::from_utf8_lossy(bytes).contains("event: delta"))
            {
                return;
            }
        }
        panic!("no text");
    };
    timeout(MAX_TIME, begun).await.expect("a text");
    drop(parts);
    conversation.function.log_line(|line| line.contains("answer ended") && line.contains("cancelled")).await;
    let streaming = "SELECT count(*) FROM messages WHERE status = 'streaming'";
    while app.database.value::<i64>(streaming).await > 0 {
        sleep(Duration::from_millis(50)).await;
    }
    // The server has only one place: it is free again.
    let again = conversation.ask("Say hello.", "none", 5).await;
    used += again.used();
    assert!(settled(&app).await > used, "the answer that was left is estimated");

    let long = "word ".repeat(6_000);
    let rejected = conversation.ask(&long, "none", 5).await;
    assert_eq!(rejected.code(), "model-rejected");
    conversation.function.log_line(|line| line.contains("status 400, exceed_context_size_error")).await;
    settled(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_of_others_aimock() {
    let server = ChatServer::aimock().await;
    let app = app(&server).await;
    let conversation = Conversation::begin(&app, &server).await;

    let answer = conversation.ask(QUESTION, "auto", 60).await;
    answer.print(&server);
    // The mock cuts the text in the middle of a character.
    assert_eq!(answer.text(), "Backups are kept for 35 days [1]. Größe😀 [9].");
    let citations = answer.one("done")["citations"].as_array().expect("a list");
    assert_eq!(citations.iter().map(|citation| citation["n"].as_i64()).collect::<Vec<_>>(), [Some(1)]);
    let thoughtful = conversation.ask("Please think.", "none", 60).await;
    assert_eq!(thoughtful.text(), "It is so.");
    settled(&app).await;

    for (content, code) in [
        ("Too many.", "model-unavailable"),
        ("No answer.", "model-unavailable"),
        ("Something else.", "model-rejected"),
    ] {
        let failed = conversation.ask(content, "none", 60).await;
        assert_eq!((failed.code(), failed.text().as_str()), (code, ""), "{content}");
        settled(&app).await;
    }
    let cut = conversation.ask("Stop early.", "none", 60).await;
    assert_eq!(cut.code(), "answer-cut");
    assert!(cut.text().starts_with("one two"), "{cut:?}");
    assert!(settled(&app).await > 0);
}
