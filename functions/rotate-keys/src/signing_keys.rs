//! The keys of access tokens: a private key set, and a public one in a secret of its own.

use std::collections::BTreeMap;

use anyhow::Context;
use secrecy::ExposeSecret;
use shared::{
    aws::secret_rotation,
    config::{Config, Setting},
    crypto::key_set::{Key, KeySet, Status},
};

use crate::generations::{Entry, KeyGenerations};

/// The keys in a private key set.
pub fn parse(document: &str) -> anyhow::Result<KeyGenerations> {
    // What is wrong with it is not repeated.
    let set: KeySet = serde_json::from_str(document)
        .map_err(|_| anyhow::anyhow!("not a JSON Web Key Set, or one with keys of another kind"))?;
    let (mut current, mut next, mut previous) = (None, None, Vec::new());
    for key in set.keys {
        let seed = key.seed().with_context(|| format!("the key {} is not private", key.kid))?;
        anyhow::ensure!(
            Key::from_seed(&key.kid, seed)?.x == key.x,
            "the key {} has another's public half",
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
        anyhow::ensure!(before.is_none(), "two keys are {:?}", key.status);
    }
    Ok(KeyGenerations { current: current.context("no key is current")?, next, previous })
}

/// The private key set of `ring`.
pub fn render(ring: &KeyGenerations) -> anyhow::Result<String> {
    let of = |status| move |entry| key(entry, status);
    let keys = ring.next.iter().map(of(Status::Next));
    let keys = keys.chain([&ring.current].into_iter().map(of(Status::Current)));
    let keys = keys.chain(ring.previous.iter().map(of(Status::Previous)));
    Ok(serde_json::to_string(&KeySet { keys: keys.collect::<anyhow::Result<_>>()? })?)
}

fn key(entry: &Entry, status: Status) -> anyhow::Result<Key> {
    let mut key = Key::from_seed(&entry.id, entry.key.expose_secret())?;
    key.status = Some(status);
    key.published_at = entry.published_at;
    key.retired_at = entry.retired_at;
    Ok(key)
}

/// Puts the public half of `ring` where everyone verifies, before the private half becomes current.
///
/// Nothing that is valid goes: `ring` has all of that. What goes is over, or the next key of a rotation that never ended.
pub async fn publish(config: &Config, ring: &KeyGenerations) -> anyhow::Result<&'static str> {
    let keys = ring.keys().map(|entry| Ok(Key::from_seed(&entry.id, entry.key.expose_secret())?.public()));
    let set = KeySet { keys: keys.collect::<anyhow::Result<_>>()? };
    let arn = verification_arn(config)?;
    if published(config).await.ok().is_some_and(|published| same(&published, &set)) {
        return Ok("nothing: the public keys are published already");
    }
    secret_rotation::put_current(arn, &serde_json::to_string(&set)?).await?;
    Ok("the public keys are published")
}

/// Refuses a `ring` of which something is not published, or is published otherwise.
pub async fn is_published(config: &Config, ring: &KeyGenerations) -> anyhow::Result<()> {
    let published = published(config).await?;
    for entry in ring.keys() {
        let key = Key::from_seed(&entry.id, entry.key.expose_secret())?;
        let known = published.keys.iter().any(|known| known.kid == key.kid && known.x == key.x);
        anyhow::ensure!(known, "the key {} is not published", key.kid);
    }
    let private = published.keys.iter().find(|key| key.seed().is_some());
    anyhow::ensure!(private.is_none(), "a private key is published");
    Ok(())
}

/// The public set as it is now, past every cache.
pub async fn published(config: &Config) -> anyhow::Result<KeySet> {
    let published = secret_rotation::current_of(verification_arn(config)?).await?;
    serde_json::from_str(&published.value)
        .map_err(|_| anyhow::anyhow!("what is published is not a JSON Web Key Set"))
}

/// Whether there is a public set at all.
pub async fn are_some_published(config: &Config) -> anyhow::Result<bool> {
    Ok(secret_rotation::find_current(verification_arn(config)?).await?.is_some())
}

fn verification_arn(config: &Config) -> anyhow::Result<&str> {
    match &config.tokens.verification_keys {
        Setting::Secret(reference) if reference.member().is_none() => Ok(reference.arn()),
        _ => anyhow::bail!("JWT_PUBLIC_KEYS is not a secret of its own"),
    }
}

fn same(published: &KeySet, set: &KeySet) -> bool {
    let by_id = |set: &KeySet| -> BTreeMap<String, Option<String>> {
        set.keys.iter().map(|key| (key.kid.clone(), serde_json::to_string(key).ok())).collect()
    };
    by_id(published) == by_id(set)
}
