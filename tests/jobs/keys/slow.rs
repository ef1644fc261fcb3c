//! A function whose Secrets Manager is slow or unavailable. A secret may be two seconds old here, half an hour in AWS.

use std::{process::Command, time::Duration};

use harness::{
    Database,
    events::{body, http},
    runtime_api::Function,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Keys, floods::auth};

const MAX_AGE: Duration = Duration::from_secs(2);

struct Running {
    keys: Keys,
    auth: Function,
    token: String,
    _database: Database,
}

/// Starts `auth` with an account.
async fn start() -> Running {
    let (keys, database) = (Keys::new().await, Database::create().await);
    let auth = auth(&keys, &database, &[("SECRET_MAX_AGE", "2s")]).await;
    let register = json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" });
    let headers = json!({ "content-type": "application/json" });
    let register = http("POST", "/v1/auth/register", &headers, Some(&register.to_string()), "203.0.113.7");
    let registered = auth.invoke(register).await.expect("an answer");
    let token = body(&registered)["data"]["accessToken"].as_str().expect("a token").to_owned();
    Running { keys, auth, token, _database: database }
}

impl Running {
    /// Sends a signal to the process of the function.
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.auth.pid().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal}");
    }

    /// Returns the status of a request with the access token.
    async fn me(&self) -> Value {
        let headers = json!({ "authorization": format!("Bearer {}", self.token) });
        let me = http("GET", "/v1/auth/me", &headers, None, "203.0.113.7");
        self.auth.invoke(me).await.expect("an answer")["statusCode"].clone()
    }
}

#[tokio::test]
async fn keys_older_than_the_maximum_age_are_not_trusted_while_they_cannot_be_read_again() {
    let running = start().await;
    assert_eq!(running.me().await, 200);
    running.keys.proxy.set_unavailable(true);
    sleep(MAX_AGE).await;
    for _ in 0..2 {
        assert_eq!(running.me().await, 503);
    }
    running.auth.log_line(|line| line.contains("which is too old")).await;
    running.auth.log_line(|line| line.contains("\"SecretAge\":")).await;
    running.keys.proxy.set_unavailable(false);
    assert_eq!(running.me().await, 200);
}

#[tokio::test]
async fn request_waits_for_slow_keys_that_are_too_old() {
    let running = start().await;
    running.keys.proxy.delay_reads(Duration::from_secs(1));
    sleep(MAX_AGE).await;
    let begun = Instant::now();
    assert_eq!(running.me().await, 200);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn keys_of_a_frozen_instance_are_read_again() {
    let running = start().await;
    assert_eq!(running.me().await, 200);
    let before = running.keys.proxy.reads(&running.keys.verification);
    // As Lambda does between two requests.
    running.signal("-STOP");
    sleep(MAX_AGE).await;
    running.signal("-CONT");
    assert_eq!(running.me().await, 200);
    assert!(running.keys.proxy.reads(&running.keys.verification) > before);
}
