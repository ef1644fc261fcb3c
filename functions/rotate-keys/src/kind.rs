//! The kinds of keys, and the secrets that have them.

use anyhow::Context;
use chrono::TimeDelta;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::{SecureRandom, SystemRandom};
use shared::{
    config::{Config, SecretRef, Setting},
    crypto::{
        keyring::{KeyId, mac_key},
        seal,
    },
};
use uuid::Uuid;

use crate::{
    generations::{Entry, KeyGenerations, PROPAGATION_TIME},
    key_text, signing_keys,
};

/// Bytes of a key: a seed for Ed25519, a key for HMAC-SHA-256 or for AES-256.
const KEY_LEN: usize = 32;

/// The purpose of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Signs access tokens: `JWT_SECRET`.
    Signing,
    /// Authenticates refresh tokens: `JWT_REFRESH_SECRET`.
    Refresh,
    /// Encrypts stored responses, and the seeds of authenticator apps: `ENCRYPTION_KEY`.
    Encryption,
}

impl Kind {
    /// Returns the name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Refresh => "refresh",
            Self::Encryption => "encryption",
        }
    }

    /// Computes the id of a key in a text.
    pub fn id(self, key: &str) -> anyhow::Result<KeyId> {
        match self {
            Self::Encryption => seal::key(key).map(|(id, _)| id),
            Self::Signing | Self::Refresh => mac_key(key).map(|(id, _)| id),
        }
    }
}

/// Makes a random key for a text.
pub fn random_key() -> anyhow::Result<String> {
    Ok(BASE64.encode(&random_bytes()?))
}

fn random_bytes() -> anyhow::Result<[u8; KEY_LEN]> {
    let mut bytes = [0; KEY_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gave no random bytes"))?;
    Ok(bytes)
}

/// A secret that this function rotates.
#[derive(Debug)]
pub struct Rotated {
    pub arn: String,
    pub kind: Kind,
    /// The member with the keys. `None` if the whole secret is a key set.
    member: Option<String>,
}

impl Rotated {
    /// Returns all secrets that this function rotates.
    pub fn all(config: &Config) -> anyhow::Result<[Self; 3]> {
        Ok([
            Self::of(Kind::Signing, &config.tokens.signing_keys)?,
            Self::of(Kind::Refresh, &config.tokens.refresh_secret)?,
            Self::of(Kind::Encryption, &config.keys.encryption_key)?,
        ])
    }

    /// Finds the secret with this ARN among those that this function rotates.
    pub fn find(config: &Config, arn: &str) -> anyhow::Result<Self> {
        let found = Self::all(config)?.into_iter().find(|secret| secret.arn == arn);
        found.with_context(|| format!("{arn} is not a secret that this function rotates"))
    }

    fn of(kind: Kind, setting: &Setting) -> anyhow::Result<Self> {
        let Setting::Secret(reference) = setting else {
            anyhow::bail!("the setting of the {} keys is not a reference to a secret", kind.name())
        };
        let (arn, member) = (reference.arn().to_owned(), reference.member().map(str::to_owned));
        anyhow::ensure!(
            member.is_none() == (kind == Kind::Signing),
            "the {} keys are not where this function expects them in {arn}",
            kind.name()
        );
        Ok(Self { arn, kind, member })
    }

    /// Returns how long a key is needed after it was retired.
    pub fn retention(&self, config: &Config) -> anyhow::Result<TimeDelta> {
        let lifetime = match self.kind {
            Kind::Signing => TimeDelta::from_std(config.tokens.expiry)?,
            Kind::Refresh => TimeDelta::from_std(config.tokens.refresh_expiry)?,
            Kind::Encryption => seal::KEY_LIFETIME,
        };
        Ok(lifetime + PROPAGATION_TIME)
    }

    /// Makes a random key.
    pub fn new_key(&self) -> anyhow::Result<Entry> {
        let (id, key) = if self.kind == Kind::Signing {
            (Uuid::new_v4().to_string(), BASE64URL_NOPAD.encode(&random_bytes()?))
        } else {
            let key = random_key()?;
            (self.kind.id(&key)?.to_string(), key)
        };
        Ok(Entry { id, key: key.into(), published_at: None, retired_at: None })
    }

    /// Reads the keys in `document`.
    pub fn parse(&self, document: &str) -> anyhow::Result<KeyGenerations> {
        match &self.member {
            None => signing_keys::parse(document),
            Some(member) => key_text::parse(self.kind, member, document),
        }
        .with_context(|| format!("the secret of the {} keys is not valid", self.kind.name()))
    }

    /// Returns `document` with its keys replaced by `generations`.
    pub fn render(&self, generations: &KeyGenerations, document: &str) -> anyhow::Result<String> {
        match &self.member {
            None => signing_keys::render(generations),
            Some(member) => key_text::render(generations, member, document),
        }
    }

    /// Checks that `pending` differs from `current` in its keys only.
    pub fn require_same_other_members(&self, pending: &str, current: &str) -> anyhow::Result<()> {
        let Some(member) = &self.member else { return Ok(()) };
        anyhow::ensure!(
            key_text::other_members(member, pending)? == key_text::other_members(member, current)?,
            "the secret was changed since this version was made"
        );
        Ok(())
    }

    /// Returns the setting of a function whose secret has the value `document`.
    pub fn setting(&self, document: &str) -> anyhow::Result<Setting> {
        let value = match &self.member {
            None => document.to_owned(),
            Some(member) => key_text::text(member, document)?,
        };
        // A reference would be resolved by Secrets Manager.
        anyhow::ensure!(SecretRef::parse(&value).is_none(), "the key is a reference to a secret");
        Ok(Setting::Plain(value.into()))
    }
}
