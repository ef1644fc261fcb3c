//! Rotates the keys of access tokens, refresh tokens and encryption, when Secrets Manager invokes it.
//!
//! Secrets Manager invokes it with four steps, and may repeat each (AWS Secrets Manager User Guide, "Lambda rotation functions").
//! `AWSCURRENT` works whether they succeed or fail: a key is published one whole rotation before it is used.

mod check;
mod first;
mod generations;
mod key_text;
mod kind;
mod signing_keys;

use metrics::counter;
use serde::Serialize;
use shared::{
    aws::{
        cloudformation::{Answered, Call, Resource},
        secret_rotation::{Rotation, Step, Version, VersionStage, Versions},
    },
    config::{Config, ConfigError},
    domain::clock::{Clock, SystemClock},
    lambda::job::Job,
};

use generations::KeyGenerations;
use kind::{Kind, Rotated};

/// Printed for `--help` and for wrong arguments.
pub const USAGE: &str = r#"usage: rotate-keys '{"Step": "<step>", "SecretId": "<ARN>", "ClientRequestToken": "<version>"}'

Do one step of a rotation: createSecret, setSecret, testSecret or finishSecret.

Secrets Manager invokes all four: aws secretsmanager rotate-secret --secret-id <ARN>"#;

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["JWT_SECRET", "JWT_PUBLIC_KEYS", "JWT_REFRESH_SECRET", "ENCRYPTION_KEY"];

/// The custom resource with which a deployment creates missing keys.
const KEYS: Resource = Resource { kind: "Custom::Keys", id: "keys" };

/// The result of a run.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of a step of a rotation.
    Step(Report),
    /// Of a deployment, whose custom resource was answered.
    Answered(Answered),
}

/// The result of a step. Keys are named by their ids.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    kind: &'static str,
    step: Step,
    done: &'static str,
    current: String,
    next: Option<String>,
    previous: Vec<String>,
}

/// Reads the settings.
pub fn make() -> Result<Config, ConfigError> {
    Config::from_env(REQUIRED)
}

/// Does one step of a rotation, or creates the first keys for a deployment.
pub async fn run(config: &Config, call: Call<Rotation>, job: &Job) -> anyhow::Result<Outcome> {
    match call {
        Call::Own(rotation) => rotate(config, &rotation).await.map(Outcome::Step),
        Call::Resource(event) => {
            let created = Box::pin(first::create_missing(config));
            event.handle(&KEYS, job.deadline, created).await.map(Outcome::Answered)
        }
    }
}

async fn rotate(config: &Config, rotation: &Rotation) -> anyhow::Result<Report> {
    let secret = Rotated::find(config, &rotation.secret_id)?;
    let versions = Versions::of(rotation).await;
    let stage = versions.stage().await?;
    let current = versions.current().await?;
    let (generations, done) = match stage {
        // Secrets Manager repeats a step whose answer it did not receive.
        VersionStage::Current => (secret.parse(&current.value)?, "nothing: this version is already current"),
        VersionStage::Pending => Box::pin(step(config, &secret, &versions, rotation.step, &current)).await?,
    };
    Ok(Report {
        kind: secret.kind.name(),
        step: rotation.step,
        done,
        current: generations.current.id,
        next: generations.next.map(|key| key.id),
        previous: generations.previous.into_iter().map(|key| key.id).collect(),
    })
}

async fn step(
    config: &Config,
    secret: &Rotated,
    versions: &Versions<'_>,
    step: Step,
    current: &Version,
) -> anyhow::Result<(KeyGenerations, &'static str)> {
    let (now, retention) = (SystemClock.now(), secret.retention(config)?);
    let before = secret.parse(&current.value)?;
    let pending = versions.pending().await?;
    if step == Step::Test && pending.as_ref().is_none_or(|pending| *pending == current.value) {
        // Secrets Manager does only this step when a schedule is set (API Reference, "RotateImmediately").
        check::check(config, secret, &current.value, &current.value).await?;
        return Ok((before, "there is no other version to test, and the current one works"));
    }
    let Some(pending) = pending else {
        anyhow::ensure!(step == Step::Create, "createSecret has not made this version's value yet");
        let after = match before.rotate(secret.new_key()?, now, retention) {
            Ok(after) => after,
            Err(error) => return Err(withdraw(versions, &error).await),
        };
        versions.put(&secret.render(&after, &current.value)?).await?;
        return Ok((after, "a new version is pending"));
    };
    let after = secret.parse(&pending)?;
    if let Err(error) = after
        .require_successor_of(&before, now, retention)
        .and_then(|()| secret.require_same_other_members(&pending, &current.value))
    {
        return Err(withdraw(versions, &error).await);
    }
    let done = match (step, secret.kind) {
        (Step::Create, _) => "nothing: a new version is already pending",
        (Step::Set, Kind::Signing) => signing_keys::publish(config, &after).await?,
        (Step::Set, _) => "nothing: these keys are stored nowhere else",
        (Step::Test, _) => {
            check::check(config, secret, &pending, &current.value).await?;
            "the pending version works, also together with the current one"
        }
        (Step::Finish, _) => {
            // Checked again: in no order of steps may a version that does not work become current.
            check::check(config, secret, &pending, &current.value).await?;
            versions.finish(&current.id).await?;
            counter!("KeysRotated", "kind" => secret.kind.name()).increment(1);
            "the pending version is current"
        }
    };
    Ok((after, done))
}

/// Withdraws the pending version of a rotation that cannot succeed: Secrets Manager would retry it forever, and start no other.
async fn withdraw(versions: &Versions<'_>, error: &anyhow::Error) -> anyhow::Error {
    match versions.withdraw().await {
        Ok(()) => anyhow::anyhow!("{error:#}; withdrawn, the next attempt starts from the beginning"),
        Err(other) => anyhow::anyhow!("{error:#}; not withdrawn: {other:#}"),
    }
}
