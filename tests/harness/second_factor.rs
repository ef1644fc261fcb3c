//! The second factor of a user: an authenticator app, written from RFC 6238, and recovery codes.

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE32_NOPAD;
use ring::hmac;
use serde_json::json;
use shared::domain::clock::Clock;

use crate::{Answer, Client, PASSWORD, Person, TestApp};

const STEP: i64 = 30;

/// An authenticator app.
pub struct Authenticator {
    seed: Vec<u8>,
}

impl Authenticator {
    /// Adds the account with this secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self { seed: BASE32_NOPAD.decode(secret.as_bytes()).expect("a secret in base32") }
    }

    /// Returns the code that the app shows at `time`.
    #[must_use]
    pub fn code_at(&self, time: DateTime<Utc>) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.seed);
        let step = time.timestamp() / STEP;
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 0xf);
        let bytes = tag[offset..offset + 4].try_into().expect("four bytes");
        let number = (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000;
        format!("{number:06}")
    }

    /// Returns a code that the app does not show around `time`.
    #[must_use]
    pub fn wrong_code_at(&self, time: DateTime<Utc>) -> String {
        let near: Vec<_> = (-2..=2).map(|n| self.code_at(time + TimeDelta::seconds(n * STEP))).collect();
        let mut codes = (0..1_000_000).map(|number| format!("{number:06}"));
        codes.find(|code| !near.contains(code)).expect("a wrong code")
    }
}

/// The second factor of a user.
pub struct SecondFactor {
    pub app: Authenticator,
    pub recovery_codes: Vec<String>,
}

impl TestApp {
    /// Waits until `authenticator` shows a code that was not used yet, and returns it.
    #[must_use]
    pub fn next_code(&self, authenticator: &Authenticator) -> String {
        self.clock.advance(TimeDelta::seconds(STEP));
        authenticator.code_at(self.clock.now())
    }

    /// Sends the password of `email`, and returns the token of the challenge.
    pub async fn challenge(&self, email: &str) -> String {
        let login = json!({ "email": email, "password": PASSWORD });
        let answer = self.client().post("/v1/auth/login", login).await.ok(200);
        answer.text("/data/challenge/token").to_owned()
    }
}

impl Person<'_> {
    /// Adds an authenticator app. The address must be proved.
    pub async fn add_authenticator(&self) -> SecondFactor {
        let app = self.client.app;
        let started = self.client.post_nothing("/v1/auth/totp").await.ok(201);
        let authenticator = Authenticator::new(started.text("/data/secret"));
        let code = json!({ "code": app.next_code(&authenticator) });
        let confirmed = self.client.post("/v1/auth/totp/confirm", code).await.ok(200);
        SecondFactor { app: authenticator, recovery_codes: recovery_codes(&confirmed) }
    }

    /// Signs in with the password and the next code of the app.
    pub async fn sign_in_with(&self, authenticator: &Authenticator) -> Self {
        let (app, client) = (self.client.app, self.client.app.client());
        let token = app.challenge(&self.email).await;
        let body = json!({ "token": token, "code": app.next_code(authenticator) });
        let answer = client.post("/v1/auth/challenges/verify", body).await.ok(201);
        Self::signed_in(&client, self.email.clone(), &answer)
    }
}

/// Returns the recovery codes in an answer.
#[must_use]
pub fn recovery_codes(answer: &Answer) -> Vec<String> {
    let codes = answer.body["data"]["recoveryCodes"].as_array().expect("codes");
    codes.iter().map(|code| code.as_str().expect("a code").to_owned()).collect()
}

impl Client<'_> {
    /// Sends a second factor for the challenge with this token.
    pub async fn answer_challenge(&self, token: &str, member: &str, value: &str) -> Answer {
        let mut body = json!({ "token": token });
        body[member] = json!(value);
        self.post("/v1/auth/challenges/verify", body).await
    }
}
