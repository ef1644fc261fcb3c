//! `POST …/conversations/{conversationId}/answers`, with the local model and its faults.

mod begin;
mod budget;
mod cancel;
mod faults;
mod injection;
mod official_client;
mod sources;
mod stream;

use std::time::Duration;

use harness::{Person, TestApp, model::Model};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

const QUESTION: &str = "How long are backups kept?";

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    name: String,
    data: Value,
}

/// The events of an answer.
#[derive(Debug)]
struct Events(Vec<Event>);

impl Events {
    /// Reads a stream, of which each event must have a number and one line of data.
    fn read(stream: &str) -> Self {
        let events = stream.split_terminator("\n\n").filter(|event| *event != ": ping");
        let read = |(event, id): (&str, usize)| {
            let lines: Vec<_> = event.lines().collect();
            let [number, name, data] = lines[..] else { panic!("{event}") };
            assert_eq!(number, format!("id: {id}"), "{stream}");
            let data = data.strip_prefix("data: ").expect("data");
            Event {
                name: name.strip_prefix("event: ").expect("a name").to_owned(),
                data: serde_json::from_str(data).expect("JSON"),
            }
        };
        assert!(stream.ends_with("\n\n"), "{stream}");
        Self(events.zip(1..).map(read).collect())
    }

    /// Returns the names; events with the same name in a row count once.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.iter().map(|event| event.name.as_str()).collect();
        names.dedup();
        names
    }

    /// Returns the data of the only event with this name.
    fn one(&self, name: &str) -> &Value {
        let found: Vec<_> = self.0.iter().filter(|event| event.name == name).collect();
        assert_eq!(found.len(), 1, "{name} in {self:?}");
        &found[0].data
    }

    /// Returns the whole text.
    fn text(&self) -> String {
        let deltas = self.0.iter().filter(|event| event.name == "delta");
        deltas.map(|event| event.data["text"].as_str().expect("a text")).collect()
    }

    /// Returns the id of the answer.
    fn id(&self) -> &str {
        self.one("message")["messageId"].as_str().expect("an id")
    }

    fn status(&self) -> &str {
        self.one("done")["status"].as_str().expect("a status")
    }

    /// Returns the code of the error at the end.
    fn problem(&self) -> &str {
        let kind = self.one("error")["type"].as_str().expect("a type");
        assert_eq!(self.0.last().expect("events").name, "error");
        kind.rsplit('/').next().expect("a code")
    }
}

/// Starts the functions with `model` as the only chat model.
async fn app_with(model: &Model, more: &[(&str, &str)]) -> TestApp {
    let settings: Vec<_> = [("CHAT_MODELS", model.name())].iter().chain(more).copied().collect();
    TestApp::with(&settings).await
}

/// Creates a conversation in the organization at `team`. Returns its path.
async fn create(person: &Person<'_>, team: &str) -> String {
    let made = person.client.post(&format!("{team}/conversations"), json!({})).await.ok(201);
    format!("{team}/conversations/{}", made.id())
}

/// Asks without sources, and returns the events.
async fn ask(person: &Person<'_>, path: &str) -> Events {
    ask_with(person, path, json!({ "content": QUESTION, "sources": { "mode": "none" } })).await
}

async fn ask_with(person: &Person<'_>, path: &str, body: Value) -> Events {
    let client = person.client.with("accept", "text/event-stream");
    let answer = client.post(&format!("{path}/answers"), body).await.ok(200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.header("cache-control"), "no-store, no-transform");
    Events::read(&answer.page)
}

/// Returns the stored message.
async fn message(person: &Person<'_>, path: &str, id: &str) -> Value {
    person.client.get(&format!("{path}/messages/{id}")).await.ok(200).body["data"].clone()
}

/// Returns used and reserved tokens, those of reservations, and those of the days.
async fn balance(app: &TestApp) -> [i64; 4] {
    let balance = "SELECT ARRAY[(SELECT coalesce(sum(used), 0)::bigint FROM token_budgets), (SELECT coalesce(sum(reserved), 0)::bigint FROM token_budgets),
                          (SELECT coalesce(sum(tokens), 0)::bigint FROM token_reservations),
                          (SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint FROM usage_days)]";
    app.database.value::<Vec<i64>>(balance).await.try_into().expect("four numbers")
}

/// Checks that nothing is reserved and that the days have what was used. Returns the used tokens.
async fn settled(app: &TestApp) -> i64 {
    let [used, reserved, reservations, of_days] = balance(app).await;
    assert_eq!((reserved, reservations, of_days), (0, 0, used));
    used
}

/// Finds an answer that a model writes.
const BEGUN: &str = "SELECT max('begun') FROM messages WHERE status = 'streaming'";

/// Waits until the query returns `expected`.
async fn wait_for(app: &TestApp, query: &'static str, expected: &str) {
    let check = async {
        while app.database.value::<Option<String>>(query).await.as_deref() != Some(expected) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let limit = Duration::from_secs(10);
    assert!(timeout(limit, check).await.is_ok(), "{query} is not {expected}");
}
