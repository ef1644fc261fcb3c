//! The first keys of a deployment: those of secrets that have never had a value.

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

/// Gives every secret of ours that is empty its first keys, and leaves the others alone.
pub async fn fill(config: &Config) -> anyhow::Result<()> {
    for secret in Rotated::all(config)? {
        let mut made = secret_rotation::find_current(&secret.arn).await?.is_none();
        if made {
            // One made by a run beside this one is as good.
            secret_rotation::put_first(&secret.arn, &document(config, &secret)?).await?;
        }
        let current = secret_rotation::current_of(&secret.arn).await?.value;
        if secret.kind == Kind::Signing && (made || !signing_keys::are_some_published(config).await?) {
            signing_keys::publish(config, &secret.parse(&current)?).await?;
            made = true;
        }
        if made {
            check::works(config, &secret, &current, &current).await?;
            tracing::info!(kind = secret.kind.name(), "first keys made");
        }
    }
    Ok(())
}

/// A current key, and a next one that is known for as long.
fn document(config: &Config, secret: &Rotated) -> anyhow::Result<String> {
    let alone = KeyGenerations { current: secret.fresh()?, next: None, previous: Vec::new() };
    let ring = alone.rotated(secret.fresh()?, SystemClock.now(), secret.keep(config)?)?;
    let mut besides = Map::new();
    if secret.kind == Kind::Refresh {
        besides.insert(session_member(config, &secret.arn)?.to_owned(), Value::String(kind::random_key()?));
    }
    secret.render(&ring, &serde_json::to_string(&besides)?)
}

/// Where the secret `arn` has the key that does not rotate.
fn session_member<'a>(config: &'a Config, arn: &str) -> anyhow::Result<&'a str> {
    let Setting::Secret(reference) = &config.keys.session_secret else {
        anyhow::bail!("SESSION_SECRET is no reference to a secret")
    };
    anyhow::ensure!(reference.arn() == arn, "SESSION_SECRET is not in the secret of JWT_REFRESH_SECRET");
    reference.member().context("SESSION_SECRET names no member of its secret")
}
