//! The keys of access tokens: a private key set, and a public key set in a separate secret.

use std::collections::BTreeMap;

use anyhow::Context;
use secrecy::ExposeSecret;
use shared::{
    aws::secret_rotation,
    config::{Config, Setting},
    crypto::key_set::{Key, KeySet, Status},
};

use crate::generations::{Entry, KeyGenerations};

/// Reads a private key set.
pub fn parse(document: &str) -> anyhow::Result<KeyGenerations> {
    // The error could quote the value.
    let set: KeySet = serde_json::from_str(document)
        .map_err(|_| anyhow::anyhow!("it is not a JSON Web Key Set, or has keys of another type"))?;
    let (mut current, mut next, mut previous) = (None, None, Vec::new());
    for key in set.keys {
        let seed = key.seed().with_context(|| format!("the key {} is not private", key.kid))?;
        anyhow::ensure!(
            Key::from_seed(&key.kid, seed)?.x == key.x,
            "the public half of the key {} belongs to another key",
            key.kid
        );
        let entry = Entry {
            id: key.kid.clone(),
            key: seed.to_owned().into(),
            published_at: key.published_at,
            retired_at: key.retired_at,
        };
        let before = match key.status.with_context(|| format!("the key {} has no status", key.kid))? {
            Status::Current => current.replace(Entry { retired_at: None, ..entry }),
            Status::Next => next.replace(entry),
            Status::Previous => {
                previous.push(entry);
                None
            }
        };
        anyhow::ensure!(before.is_none(), "two keys have the status {:?}", key.status);
    }
    Ok(KeyGenerations { current: current.context("no key has the status current")?, next, previous })
}

/// Returns the private key set of `generations`.
pub fn render(generations: &KeyGenerations) -> anyhow::Result<String> {
    let with = |status| move |entry| key(entry, status);
    let keys = generations.next.iter().map(with(Status::Next));
    let keys = keys.chain([&generations.current].into_iter().map(with(Status::Current)));
    let keys = keys.chain(generations.previous.iter().map(with(Status::Previous)));
    Ok(serde_json::to_string(&KeySet { keys: keys.collect::<anyhow::Result<_>>()? })?)
}

fn key(entry: &Entry, status: Status) -> anyhow::Result<Key> {
    let mut key = Key::from_seed(&entry.id, entry.key.expose_secret())?;
    key.status = Some(status);
    key.published_at = entry.published_at;
    key.retired_at = entry.retired_at;
    Ok(key)
}

/// Publishes the public half of `generations`, before the private half becomes current.
///
/// Removes no key that may be needed: `generations` has all of them. It removes expired keys, and the next key of a rotation that
/// was never finished.
pub async fn publish(config: &Config, generations: &KeyGenerations) -> anyhow::Result<&'static str> {
    let keys =
        generations.keys().map(|entry| Ok(Key::from_seed(&entry.id, entry.key.expose_secret())?.public()));
    let set = KeySet { keys: keys.collect::<anyhow::Result<_>>()? };
    let arn = verification_arn(config)?;
    if published(config).await.ok().is_some_and(|published| is_same(&published, &set)) {
        return Ok("nothing: the public keys are already published");
    }
    secret_rotation::put_current(arn, &serde_json::to_string(&set)?).await?;
    Ok("the public keys are published")
}

/// Checks that the public half of every key in `generations` is published, and no private half.
pub async fn require_published(config: &Config, generations: &KeyGenerations) -> anyhow::Result<()> {
    let published = published(config).await?;
    for entry in generations.keys() {
        let key = Key::from_seed(&entry.id, entry.key.expose_secret())?;
        let known = published.keys.iter().any(|known| known.kid == key.kid && known.x == key.x);
        anyhow::ensure!(known, "the key {} is not published", key.kid);
    }
    let private = published.keys.iter().find(|key| key.seed().is_some());
    anyhow::ensure!(private.is_none(), "a private key is published");
    Ok(())
}

/// Reads the public key set from Secrets Manager, not from a cache.
pub async fn published(config: &Config) -> anyhow::Result<KeySet> {
    let published = secret_rotation::current_of(verification_arn(config)?).await?;
    serde_json::from_str(&published.value)
        .map_err(|_| anyhow::anyhow!("the published value is not a JSON Web Key Set"))
}

/// Returns whether a public key set exists.
pub async fn is_any_published(config: &Config) -> anyhow::Result<bool> {
    Ok(secret_rotation::find_current(verification_arn(config)?).await?.is_some())
}

fn verification_arn(config: &Config) -> anyhow::Result<&str> {
    match &config.tokens.verification_keys {
        Setting::Secret(reference) if reference.member().is_none() => Ok(reference.arn()),
        _ => anyhow::bail!("JWT_PUBLIC_KEYS is not a reference to a whole secret"),
    }
}

fn is_same(published: &KeySet, set: &KeySet) -> bool {
    let by_id = |set: &KeySet| -> BTreeMap<String, Option<String>> {
        set.keys.iter().map(|key| (key.kid.clone(), serde_json::to_string(key).ok())).collect()
    };
    by_id(published) == by_id(set)
}
