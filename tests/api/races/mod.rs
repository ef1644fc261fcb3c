//! Many at once: who wins, what the others hear, and what is left.

mod departure;
mod idempotency;
mod invitations;
mod owners;
mod tokens;
mod versions;

use futures_util::future::join_all;
use harness::{Answer, Client, TestApp};
use serde_json::Value;

/// How many try at once.
const CONCURRENT: usize = 16;

/// With a connection for everyone.
async fn concurrent_app() -> TestApp {
    TestApp::with(&[("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")]).await
}

/// What sixteen strangers hear who all send what `body` says, each from elsewhere.
async fn send_from_many(app: &TestApp, path: &str, body: impl Fn(usize) -> Value) -> Vec<Answer> {
    let clients: Vec<Client> = (0..CONCURRENT).map(|_| app.client()).collect();
    join_all(clients.iter().enumerate().map(|(n, client)| client.post(path, body(n)))).await
}

/// Checks that one of `answers` has the status `won`, and all others are this refusal; gives the number of the winner.
#[track_caller]
fn assert_one_succeeded(answers: &[Answer], won: u16, (status, problem): (u16, &str)) -> usize {
    let winner = answers.iter().position(|answer| answer.status == won);
    let winner = winner.unwrap_or_else(|| panic!("nobody won: {answers:#?}"));
    for (n, answer) in answers.iter().enumerate() {
        if n != winner {
            answer.refused(status, problem);
        }
    }
    winner
}
