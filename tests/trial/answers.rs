//! 1,000 answers of which many are cancelled, left or killed at a random moment. `cargo xtask trial answers` runs it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{
    Database, Person, TestApp, environment,
    events::rest,
    model::Model,
    runtime_api::{Function, Streamed},
};
use serde_json::{Value, json};
use shared::domain::clock::{Clock, SystemClock};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

const ANSWERS: usize = 1_000;
/// Each has an instance of the function.
const WORKERS: usize = 4;
/// Less than the limit of a person in a minute.
const ANSWERS_OF_A_PERSON: usize = 16;
/// Between two words of an answer.
const WORD_TIME: Duration = Duration::from_millis(20);
/// Longer than most answers take.
const MAX_LIFE_MILLIS: u64 = 400;
/// The longest answer, and the time after which one is interrupted: 15 s more.
const DEADLINE: Duration = Duration::from_secs(5);

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    Cancelled,
    /// The client leaves.
    Left,
    /// The function is killed.
    Killed,
}

impl End {
    fn random() -> Self {
        match random(10) {
            0..=3 => Self::Complete,
            4 | 5 => Self::Cancelled,
            6 | 7 => Self::Left,
            _ => Self::Killed,
        }
    }
}

fn random(below: u64) -> u64 {
    u64::from_be_bytes(*Uuid::new_v4().as_bytes().last_chunk().expect("eight bytes")) % below
}

struct Worker<'a> {
    app: &'a TestApp,
    settings: HashMap<String, String>,
    function: Function,
    /// For answers that end, and for others.
    models: [&'a Model; 2],
}

struct Asker<'a> {
    ada: Person<'a>,
    team: String,
}

impl Worker<'_> {
    async fn run(&mut self, left: &AtomicUsize, counts: &[AtomicUsize; 4]) -> Vec<String> {
        let mut teams = Vec::new();
        while left.load(Ordering::Relaxed) > 0 {
            let ada = self.app.person("Ada").await;
            let team = ada.create_organization("Engines").await;
            teams.push(team.clone());
            let asker = Asker { ada, team };
            for _ in 0..ANSWERS_OF_A_PERSON {
                if left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_err()
                {
                    break;
                }
                let end = End::random();
                self.answer(&asker, end).await;
                counts[end as usize].fetch_add(1, Ordering::Relaxed);
            }
        }
        teams
    }

    async fn answer(&mut self, asker: &Asker<'_>, end: End) {
        let model = self.models[usize::from(end != End::Complete)];
        let body = json!({ "model": model.name() });
        let made = asker.ada.client.post(&format!("{}/conversations", asker.team), body).await.ok(201);
        let path = format!("{}/conversations/{}", asker.team, made.id());
        let mut parts = self.function.invoke_streaming(&event(&asker.ada, &path));
        let life = Duration::from_millis(random(MAX_LIFE_MILLIS));
        match end {
            End::Complete => {
                let events = read(&mut parts).await;
                assert!(events.contains("event: done"), "{events}");
            }
            End::Left => {
                sleep(life).await;
                drop(parts);
            }
            End::Killed => {
                sleep(life).await;
                self.function.kill().await;
                self.function = Function::start("answers", self.settings.clone()).await;
            }
            End::Cancelled => {
                sleep(life).await;
                let messages = asker.ada.client.get(&format!("{path}/messages")).await.ok(200);
                if let Some(id) = messages.body["data"][0]["id"].as_str() {
                    // It may have ended.
                    asker.ada.client.post_nothing(&format!("{path}/messages/{id}/cancel")).await;
                }
                read(&mut parts).await;
            }
        }
    }
}

fn event(ada: &Person<'_>, path: &str) -> Value {
    let headers = json!({
        "content-type": "application/json", "accept": "text/event-stream", "authorization": format!("Bearer {}", ada.access_token)
    });
    let body = json!({ "content": "How long are backups kept?", "sources": { "mode": "none" } }).to_string();
    rest("POST", &format!("{path}/answers"), &headers, Some(&body), "203.0.113.7")
}

/// Reads a stream to its end.
async fn read(parts: &mut UnboundedReceiver<Streamed>) -> String {
    let mut events = String::new();
    let reading = async {
        while let Some(part) = parts.recv().await {
            if let Streamed::Chunk(bytes) = part {
                events.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    };
    timeout(Duration::from_secs(30), reading).await.expect("an end");
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_answers_are_settled_once() {
    let models = [Model::default(), Model::default()];
    for model in &models {
        model.delay(WORD_TIME).await;
    }
    let names = models.each_ref().map(Model::name).join(",");
    let deadline = DEADLINE.as_millis().to_string();
    let changes = [("CHAT_MODELS", names.as_str()), ("CHAT_DEADLINE", deadline.as_str())];
    let app = TestApp::on(Database::create().await, &changes);
    app.clock.advance(SystemClock.now() - app.clock.now());
    let mut settings = environment(&app.database);
    settings.extend(changes.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let begin = Instant::now();
    let (left, counts) = (Arc::new(AtomicUsize::new(ANSWERS)), [const { AtomicUsize::new(0) }; 4]);
    let work = async || {
        let function = Function::start("answers", settings.clone()).await;
        let models = models.each_ref();
        let mut worker = Worker { app: &app, settings: settings.clone(), function, models };
        worker.run(&left, &counts).await
    };
    let teams = join_all((0..WORKERS).map(|_| work())).await.concat();
    let [complete, cancelled, gone, killed] = counts.map(AtomicUsize::into_inner);
    println!(
        "{ANSWERS} answers in {:.0} s: {complete} complete, {cancelled} cancelled, {gone} left, {killed} killed",
        begin.elapsed().as_secs_f64()
    );

    // Those that were killed are settled by the next answer of their organization.
    sleep(DEADLINE + Duration::from_secs(1)).await;
    app.clock.advance(TimeDelta::minutes(5));
    for team in teams {
        settle(&app, &team).await;
    }
    check(&app, &models).await;
}

/// Ends the stopped answers of the organization, as the sweeper of `retention` does.
async fn settle(app: &TestApp, team: &str) {
    use shared::{config::Prices, db::Tx, domain::ids::OrganizationId, store::messages::interrupt_next};
    let organization = OrganizationId(team.rsplit('/').next().expect("an id").parse().expect("a UUID"));
    let prices = Prices::default();
    let next = async |tx: &mut Tx| Ok(interrupt_next(tx, Some(organization), &prices).await?);
    while app.state.app.db.transaction(next).await.expect("settled").is_some() {}
}

async fn check(app: &TestApp, models: &[Model; 2]) {
    let value = async |query: &'static str| app.database.value::<i64>(query).await;
    assert_eq!(value("SELECT count(*) FROM messages WHERE status = 'streaming'").await, 0);
    assert_eq!(value("SELECT count(*) FROM token_reservations").await, 0, "no reservation is left");
    assert_eq!(value("SELECT count(*) FROM token_budgets WHERE reserved <> 0").await, 0);
    let differences = "SELECT count(*) FROM token_budgets b WHERE used <> coalesce((SELECT sum(prompt_tokens + completion_tokens)
                       FROM usage_days d WHERE d.organization_id = b.organization_id), 0)";
    assert_eq!(value(differences).await, 0);
    for (model, is_exact) in models.iter().zip([true, false]) {
        let used = "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint FROM usage_days WHERE model = $1";
        let used: i64 =
            sqlx::query_scalar(used).bind(model.name()).fetch_one(app.database.pool()).await.expect("a sum");
        let (used, sent) = (u64::try_from(used).expect("a count"), model.seen().await.tokens);
        println!("{} tokens by the model, {used} recorded", sent);
        if is_exact {
            assert_eq!(used, sent);
        } else {
            assert!(used >= sent, "{used} {sent}");
        }
    }
}
