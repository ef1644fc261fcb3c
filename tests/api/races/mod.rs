//! Concurrent requests: one succeeds, the others get the right refusal, and the data is correct.

mod departure;
mod idempotency;
mod invitations;
mod locks;
mod owners;
mod passkeys;
mod password;
mod restores;
mod second_factors;
mod tokens;
mod versions;

use futures_util::future::join_all;
use harness::{Answer, Client, TestApp};
use serde_json::Value;

/// How many requests are sent at once.
const CONCURRENT: usize = 16;

/// Starts an app with a database connection for each concurrent request.
async fn concurrent_app() -> TestApp {
    TestApp::with(&[("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")]).await
}

/// Sends `body` to `path` from 16 anonymous clients at once, each with its own source address. Returns the answers.
async fn send_from_many(app: &TestApp, path: &str, body: impl Fn(usize) -> Value) -> Vec<Answer> {
    let clients: Vec<Client> = (0..CONCURRENT).map(|_| app.client()).collect();
    join_all(clients.iter().enumerate().map(|(n, client)| client.post(path, body(n)))).await
}

/// Checks that one of `answers` has the status `won`, and that all others are this refusal. Returns the index of the first.
#[track_caller]
fn assert_one_succeeded(answers: &[Answer], won: u16, (status, problem): (u16, &str)) -> usize {
    let winner = answers.iter().position(|answer| answer.status == won);
    let winner = winner.unwrap_or_else(|| panic!("no request succeeded: {answers:#?}"));
    for (n, answer) in answers.iter().enumerate() {
        if n != winner {
            answer.refused(status, problem);
        }
    }
    winner
}
