//! Rotates the keys of access tokens, of refresh tokens and of encryption, as Secrets Manager asks it to.
//!
//! Secrets Manager calls it with four steps, each perhaps more than once (AWS Secrets Manager User Guide, "Lambda rotation
//! functions"). Whichever way they end, what is `AWSCURRENT` works: a key is published one whole rotation before it is used.

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
        secret_rotation::{Rotation, Standing, Step, Version, Versions},
    },
    config::{Config, ConfigError},
    domain::clock::{Clock, SystemClock},
    lambda::job::Job,
};

use generations::KeyGenerations;
use kind::{Kind, Rotated};

/// What it is told on a command line.
pub const USAGE: &str = r#"usage: rotate-keys '{"Step": "createSecret", "SecretId": "<ARN>", "ClientRequestToken": "<version>"}'

Secrets Manager calls it: aws secretsmanager rotate-secret --secret-id <ARN>"#;

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["JWT_SECRET", "JWT_PUBLIC_KEYS", "JWT_REFRESH_SECRET", "ENCRYPTION_KEY"];

/// What a deployment makes: keys, where there are none.
const KEYS: Resource = Resource { kind: "Custom::Keys", id: "keys" };

/// What was done.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// A step.
    Step(Report),
    /// A deployment was told.
    Answered(Answered),
}

/// What came of a step. Keys go by their ids.
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

/// Does one step of a rotation, or sees to it that there are keys.
pub async fn run(config: &Config, call: Call<Rotation>, job: &Job) -> anyhow::Result<Outcome> {
    match call {
        Call::Own(rotation) => rotate(config, &rotation).await.map(Outcome::Step),
        Call::Resource(event) => {
            let filled = Box::pin(first::fill(config));
            event.answered(&KEYS, job.deadline, filled).await.map(Outcome::Answered)
        }
    }
}

async fn rotate(config: &Config, rotation: &Rotation) -> anyhow::Result<Report> {
    let secret = Rotated::named(config, &rotation.secret_id)?;
    let versions = Versions::of(rotation).await;
    let standing = versions.standing().await?;
    let current = versions.current().await?;
    let (ring, done) = match standing {
        // Secrets Manager asks again if it has not heard the answer.
        Standing::Current => (secret.parse(&current.value)?, "nothing: this version is current already"),
        Standing::Pending => Box::pin(step(config, &secret, &versions, rotation.step, &current)).await?,
    };
    Ok(Report {
        kind: secret.kind.name(),
        step: rotation.step,
        done,
        current: ring.current.id,
        next: ring.next.map(|key| key.id),
        previous: ring.previous.into_iter().map(|key| key.id).collect(),
    })
}

async fn step(
    config: &Config,
    secret: &Rotated,
    versions: &Versions<'_>,
    step: Step,
    current: &Version,
) -> anyhow::Result<(KeyGenerations, &'static str)> {
    let (now, keep) = (SystemClock.now(), secret.keep(config)?);
    let before = secret.parse(&current.value)?;
    let pending = versions.pending().await?;
    if step == Step::Test && pending.as_ref().is_none_or(|pending| *pending == current.value) {
        // Secrets Manager tries this step alone when someone sets a schedule ("RotateImmediately" in the API's reference).
        check::works(config, secret, &current.value, &current.value).await?;
        return Ok((before, "nothing is to become current, and what is current works"));
    }
    let Some(pending) = pending else {
        anyhow::ensure!(step == Step::Create, "createSecret has not made this version's value yet");
        let after = match before.rotated(secret.fresh()?, now, keep) {
            Ok(after) => after,
            Err(error) => return Err(withdrawn(versions, &error).await),
        };
        versions.put(&secret.render(&after, &current.value)?).await?;
        return Ok((after, "a new version is pending"));
    };
    let after = secret.parse(&pending)?;
    if let Err(error) =
        after.follows(&before, now, keep).and_then(|()| secret.same_besides(&pending, &current.value))
    {
        return Err(withdrawn(versions, &error).await);
    }
    let done = match (step, secret.kind) {
        (Step::Create, _) => "nothing: a new version is pending already",
        (Step::Set, Kind::Signing) => signing_keys::publish(config, &after).await?,
        (Step::Set, _) => "nothing: these keys are known nowhere else",
        (Step::Test, _) => {
            check::works(config, secret, &pending, &current.value).await?;
            "the pending version works, beside the current one"
        }
        (Step::Finish, _) => {
            // Asked again, so that no order of the steps makes a version current that does not work.
            check::works(config, secret, &pending, &current.value).await?;
            versions.finish(&current.id).await?;
            counter!("KeysRotated", "kind" => secret.kind.name()).increment(1);
            "the pending version is current"
        }
    };
    Ok((after, done))
}

/// Ends a rotation that cannot be finished: Secrets Manager would try to, in vain and for ever, and begin no other.
async fn withdrawn(versions: &Versions<'_>, error: &anyhow::Error) -> anyhow::Error {
    match versions.withdraw().await {
        Ok(()) => anyhow::anyhow!("{error:#}; withdrawn, the next attempt begins anew"),
        Err(other) => anyhow::anyhow!("{error:#}; not withdrawn: {other:#}"),
    }
}
