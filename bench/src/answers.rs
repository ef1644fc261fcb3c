//! Answers of language models: how soon they begin, what a token costs, and how much memory they take: `cargo xtask bench answers`.
//!
//! The model is the local one, which answers at once. Its own time is measured too, and subtracted.

use std::{collections::HashMap, fmt::Write, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{
    Database, Person, TestApp, environment,
    events::rest,
    model::Model,
    runtime_api::{Function, Streamed},
    service,
};
use serde_json::{Value, json};
use shared::{
    config::Environment,
    domain::{
        clock::{Clock, SystemClock},
        deadline::Deadline,
    },
    http_client::{HttpClient, Request},
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    task::JoinSet,
    time::{Instant, sleep},
};
use url::Url;

use crate::{
    crowd::percentile,
    instance::{cpu_time, peak_memory},
    world::millis,
};

/// Instances that write an answer at the same time.
const STREAMS: usize = 50;
/// Less than the limit of a person in a minute.
const ANSWERS_OF_A_PERSON: usize = 16;
/// The words of the answer of `stub-long`, each a token.
const WORDS: u32 = 1_000;
const QUESTION: &str = "How long are backups kept?";

/// What was measured.
#[derive(Default)]
struct Figures {
    /// Until the event `message`, in ms.
    message: Vec<f64>,
    /// Until the first `delta`, without the time of the models, in ms.
    delta: Vec<f64>,
    /// CPU time, in ms.
    per_token: Vec<f64>,
    /// Of each instance, in MiB.
    memory: Vec<f64>,
}

/// Measures everything, and returns the table.
pub async fn run(rounds: usize) -> Result<String> {
    let (short, long) = (Model::default(), Model::new("stub-long"));
    let names = format!("{},{}", short.name(), long.name());
    let settings = [("CHAT_MODELS", names.as_str()), ("EMBEDDING_MODEL", short.name())];
    let app = TestApp::on(Database::create().await, &settings);
    app.clock.advance(SystemClock.now() - app.clock.now());
    let mut environment = environment(&app.database);
    environment.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // As deployed: an instance serves one request at a time.
    environment.extend(
        [("DB_POOL_MIN", "0"), ("DB_POOL_MAX", "1")].map(|(name, value)| (name.to_owned(), value.to_owned())),
    );

    let mut figures = Figures::default();
    let function = Function::start("answers", environment.clone()).await;
    for round in 0..=rounds {
        let measured = measure(&app, &function, &short, &long).await?;
        // The first round warms up.
        if round > 0 {
            figures.message.extend(measured.message);
            figures.delta.extend(measured.delta);
            figures.per_token.extend(measured.per_token);
        }
    }
    short.delay(Duration::from_secs(1)).await;
    figures.memory = memory(&app, &environment).await?;
    Ok(figures.table())
}

impl Figures {
    fn table(&self) -> String {
        let mut table = "| figure | median (p95) | target | |\n|---|---|---|---|\n".to_owned();
        let rows = [
            ("event `message`, ms", &self.message, 60.0),
            ("first `delta`, after the one of the model, ms", &self.delta, 30.0),
            ("CPU time of a token, ms", &self.per_token, 0.3),
            ("peak memory of an instance, 50 streams at once, MiB", &self.memory, 24.0),
        ];
        for (what, values, target) in rows {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let [median, high] = [50, 95].map(|percent| percentile(&sorted, percent));
            let met = if median <= target { "✓" } else { "✗" };
            _ = writeln!(table, "| {what} | {median:.2} ({high:.2}) | ≤ {target} | {met} |");
        }
        table
    }
}

/// Asks a few times on one instance.
async fn measure(app: &TestApp, function: &Function, short: &Model, long: &Model) -> Result<Figures> {
    let mut figures = Figures::default();
    let asker = Asker::new(app).await;
    let process = function.pid();
    for _ in 0..ANSWERS_OF_A_PERSON / 2 {
        let of_models = time_of_models(short).await?;
        let began = cpu_time(process)?;
        let (message, delta) = read(function.invoke_streaming(&asker.event(short.name()).await)).await?;
        let between = cpu_time(process)?;
        read(function.invoke_streaming(&asker.event(long.name()).await)).await?;
        let ended = cpu_time(process)?;
        figures.message.push(millis(message));
        figures.delta.push(millis(delta) - millis(of_models));
        let more = millis(ended) - 2.0 * millis(between) + millis(began);
        figures.per_token.push(more / f64::from(WORDS - 6));
    }
    Ok(figures)
}

/// A person, and the organization of that person.
struct Asker<'a> {
    ada: Person<'a>,
    team: String,
}

impl<'a> Asker<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let ada = app.person("Ada").await;
        let team = ada.create_organization("Engines").await;
        Self { ada, team }
    }

    /// Returns the event of a question in a new conversation.
    async fn event(&self, model: &str) -> Value {
        let body = json!({ "model": model });
        let made = self.ada.client.post(&format!("{}/conversations", self.team), body).await.ok(201);
        let headers = json!({
            "content-type": "application/json", "accept": "text/event-stream",
            "authorization": format!("Bearer {}", self.ada.access_token)
        });
        let path = format!("{}/conversations/{}/answers", self.team, made.id());
        rest("POST", &path, &headers, Some(&json!({ "content": QUESTION }).to_string()), "203.0.113.7")
    }
}

/// Reads a stream to its end. Returns the times until `message` and until the first `delta`.
async fn read(mut parts: UnboundedReceiver<Streamed>) -> Result<(Duration, Duration)> {
    let started = Instant::now();
    let (mut message, mut delta, mut events) = (None, None, String::new());
    while let Some(part) = parts.recv().await {
        let Streamed::Chunk(bytes) = part else { continue };
        events.push_str(&String::from_utf8_lossy(&bytes));
        if message.is_none() && events.contains("event: message") {
            message = Some(started.elapsed());
        }
        if delta.is_none() && events.contains("event: delta") {
            delta = Some(started.elapsed());
        }
    }
    ensure!(events.contains("event: done"), "the answer failed: {events}");
    message.zip(delta).context("an answer without text")
}

/// Asks the models directly: for a vector, and for the first word of an answer.
async fn time_of_models(model: &Model) -> Result<Duration> {
    let started = Instant::now();
    let vector = json!({ "model": model.name(), "input": [QUESTION], "encoding_format": "float" });
    call("embeddings", &vector, "\"embedding\"").await?;
    let messages = json!([{ "role": "user", "content": QUESTION }]);
    let chat = json!({ "model": model.name(), "messages": messages, "stream": true });
    call("chat/completions", &chat, "\"content\": \"T").await?;
    Ok(started.elapsed())
}

/// Sends a request, and reads the response until it contains `text`.
async fn call(route: &str, body: &Value, text: &str) -> Result<()> {
    let url: Url = format!("{}/{route}", service("OPENAI_BASE_URL")).parse()?;
    let request = Request {
        method: "POST",
        url: &url,
        headers: &[("content-type", "application/json"), ("authorization", "Bearer bench")],
        body: body.to_string().into_bytes(),
        deadline: Deadline::after(Duration::from_secs(30)),
        max_bytes: 1 << 20,
    };
    let mut response = HttpClient::new(Environment::Test).send(request).await?;
    let mut read = String::new();
    while let Some(chunk) = response.chunk().await? {
        read.push_str(&String::from_utf8_lossy(chunk.as_ref()));
        if read.contains(text) {
            return Ok(());
        }
    }
    anyhow::bail!("the model did not answer: {read}")
}

/// Lets many instances write answers at once. Returns the peak memory of each.
async fn memory(app: &TestApp, environment: &HashMap<String, String>) -> Result<Vec<f64>> {
    let model = environment["EMBEDDING_MODEL"].clone();
    let mut streams = JoinSet::new();
    for _ in 0..STREAMS {
        let asker = Asker::new(app).await;
        let event = asker.event(&model).await;
        let environment = environment.clone();
        streams.spawn(async move {
            let function = Function::start("answers", environment).await;
            let times = read(function.invoke_streaming(&event)).await;
            // What it does after the response.
            sleep(Duration::from_secs(1)).await;
            times.and_then(|_| peak_memory(function.pid()))
        });
    }
    streams.join_all().await.into_iter().collect()
}
