//! Creates the first keys of a deployment, in secrets that have never had a value.

use anyhow::Context;
use serde_json::{Map, Value};
use shared::{
    aws::secret_rotation,
    config::{Config, Setting},
    domain::clock::{Clock, SystemClock},
};

use crate::{
    check,
    generations::KeyGenerations,
    kind::{self, Kind, Rotated},
    signing_keys,
};

/// Writes first keys into every rotated secret that is empty. Does not change the others.
pub async fn create_missing(config: &Config) -> anyhow::Result<()> {
    for secret in Rotated::all(config)? {
        let mut created = secret_rotation::find_current(&secret.arn).await?.is_none();
        if created {
            // If a concurrent run was faster, its keys are used.
            secret_rotation::put_first(&secret.arn, &first_document(config, &secret)?).await?;
        }
        let current = secret_rotation::current_of(&secret.arn).await?.value;
        if secret.kind == Kind::Signing && (created || !signing_keys::is_any_published(config).await?) {
            signing_keys::publish(config, &secret.parse(&current)?).await?;
            created = true;
        }
        if created {
            check::check(config, &secret, &current, &current).await?;
            tracing::info!(kind = secret.kind.name(), "first keys created");
        }
    }
    Ok(())
}

/// Returns the first value of `secret`: a current key and a next one, and the session secret where it belongs.
fn first_document(config: &Config, secret: &Rotated) -> anyhow::Result<String> {
    let first = KeyGenerations { current: secret.new_key()?, next: None, previous: Vec::new() };
    let generations = first.rotate(secret.new_key()?, SystemClock.now(), secret.retention(config)?)?;
    let mut others = Map::new();
    if secret.kind == Kind::Refresh {
        others.insert(session_member(config, &secret.arn)?.to_owned(), Value::String(kind::random_key()?));
    }
    secret.render(&generations, &serde_json::to_string(&others)?)
}

/// Returns the member of the secret `arn` that has the session secret, which is not rotated.
fn session_member<'a>(config: &'a Config, arn: &str) -> anyhow::Result<&'a str> {
    let Setting::Secret(reference) = &config.keys.session_secret else {
        anyhow::bail!("SESSION_SECRET is not a reference to a secret")
    };
    anyhow::ensure!(reference.arn() == arn, "SESSION_SECRET is not in the secret of JWT_REFRESH_SECRET");
    reference.member().context("SESSION_SECRET names no member of its secret")
}
