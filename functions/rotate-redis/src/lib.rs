//! Rotates the password of the cache, when Secrets Manager invokes it.
//!
//! A user of `ElastiCache` has up to two passwords. A rotation sets the current and the pending one. So the current version works
//! before, during and after it, wherever it stops, and the version before the current one works until the next rotation.

use std::time::Duration;

use anyhow::Context;
use backon::{ConstantBuilder, Retryable};
use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::{
    aws::{
        elasticache,
        secret_rotation::{Rotation, Step, VersionStage, Versions},
    },
    config::{Config, ConfigError, Setting},
    domain::clock::{Clock, SystemClock},
    lambda::job::Job,
};

/// Printed for `--help` and for wrong arguments.
pub const USAGE: &str = r#"usage: rotate-redis '{"Step": "<step>", "SecretId": "<ARN>", "ClientRequestToken": "<version>"}'

Do one step of a rotation: createSecret, setSecret, testSecret or finishSecret.

Secrets Manager invokes all four: aws secretsmanager rotate-secret --secret-id <ARN>"#;

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["REDIS_CREDENTIALS", "REDIS_USER_ID"];
/// Bytes of a password. It is written in hexadecimal: `ElastiCache` allows almost no punctuation.
const PASSWORD_LEN: usize = 32;
const POLL_DELAY: Duration = Duration::from_secs(1);
/// Time kept at the end of the run for the last call.
const RESERVE: Duration = Duration::from_secs(15);

/// The result of a step.
#[derive(Debug, Serialize)]
pub struct Rotated {
    step: Step,
    done: &'static str,
}

/// Created once in `main`.
pub struct State {
    user: String,
    /// The ARN of the secret with its password.
    secret: String,
}

/// Reads the settings.
pub fn make() -> Result<State, ConfigError> {
    let cache = Config::from_env(REQUIRED)?.cache;
    let secret = match cache.address.credentials() {
        Some(Setting::Secret(reference)) => reference.arn().to_owned(),
        _ => String::new(),
    };
    Ok(State { user: cache.user, secret })
}

/// Does one step of a rotation. Each can be repeated.
pub async fn run(state: &State, rotation: Rotation, job: &Job) -> anyhow::Result<Rotated> {
    anyhow::ensure!(rotation.secret_id == state.secret, "{} is not REDIS_CREDENTIALS", rotation.secret_id);
    let versions = Versions::of(&rotation).await;
    let done = match (versions.stage().await?, rotation.step, versions.pending().await?) {
        // Secrets Manager repeats a step whose answer it did not receive.
        (VersionStage::Current, ..) => "nothing: this version is already current",
        (VersionStage::Pending, Step::Create, None) => {
            versions.put(&successor(&versions.current().await?.value)?).await?;
            "a new version is pending"
        }
        (VersionStage::Pending, Step::Create, Some(_)) => "nothing: a new version is already pending",
        // Secrets Manager does only this step when a schedule is set (API Reference, "RotateImmediately").
        (VersionStage::Pending, Step::Test, None) => {
            state.wait_until_active(job).await?;
            "there is no other version to test"
        }
        (VersionStage::Pending, _, None) => {
            anyhow::bail!("createSecret has not made this version's value yet")
        }
        (VersionStage::Pending, Step::Test, Some(_)) => {
            state.wait_until_active(job).await?;
            "the user is active"
        }
        (VersionStage::Pending, step @ (Step::Set | Step::Finish), Some(pending)) => {
            let current = versions.current().await?;
            // Also in the last step: in no order of steps may a version that does not work become current.
            state.set_passwords(&current.value, &pending, job).await?;
            if step == Step::Finish {
                versions.finish(&current.id).await?;
                "the pending version is current"
            } else {
                "the pending version works, and so does the current one"
            }
        }
    };
    Ok(Rotated { step: rotation.step, done })
}

impl State {
    async fn set_passwords(&self, current: &str, pending: &str, job: &Job) -> anyhow::Result<()> {
        let passwords = [password(current)?, password(pending)?];
        self.wait_until_active(job).await?;
        let [current, pending] = &passwords;
        elasticache::set_passwords(&self.user, [current, pending], SystemClock.now()).await?;
        self.wait_until_active(job).await
    }

    /// Waits until the last change of the user is effective.
    async fn wait_until_active(&self, job: &Job) -> anyhow::Result<()> {
        let ask = || async {
            let active = elasticache::is_active(&self.user, SystemClock.now()).await?;
            anyhow::ensure!(active, "the user {} is still being changed", self.user);
            Ok(())
        };
        let delay = ConstantBuilder::new().with_delay(POLL_DELAY).without_max_times();
        ask.retry(delay).when(|_| job.deadline.left(RESERVE) > POLL_DELAY).await
    }
}

/// Returns `document` with a new random password.
fn successor(document: &str) -> anyhow::Result<String> {
    let mut bytes = [0; PASSWORD_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gave no random bytes"))?;
    let mut members = parse(document)?;
    members.insert("password".to_owned(), Value::String(HEXLOWER.encode(&bytes)));
    Ok(serde_json::to_string(&members)?)
}

fn password(document: &str) -> anyhow::Result<String> {
    let password = parse(document)?.remove("password");
    let password = password.as_ref().and_then(Value::as_str).map(str::to_owned);
    password.context("the secret has no password")
}

fn parse(document: &str) -> anyhow::Result<Map<String, Value>> {
    // The error could quote the value.
    serde_json::from_str(document).ok().context("the secret is not a JSON object")
}
