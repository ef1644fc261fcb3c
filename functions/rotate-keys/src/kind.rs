//! Which secret is rotated, and how it is written.

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
    http::idempotency,
};
use uuid::Uuid;

use crate::{
    generations::{Entry, KeyGenerations, MARGIN},
    key_text, signing_keys,
};

/// The length of every key: a seed of Ed25519, a key of HMAC-SHA-256 or of AES-256.
const KEY_LEN: usize = 32;

/// What the keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `JWT_SECRET`.
    Signing,
    /// `JWT_REFRESH_SECRET`.
    Refresh,
    /// `ENCRYPTION_KEY`.
    Encryption,
}

impl Kind {
    /// In the log and the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Refresh => "refresh",
            Self::Encryption => "encryption",
        }
    }

    /// The id of a key that is a text.
    pub fn id(self, key: &str) -> anyhow::Result<KeyId> {
        match self {
            Self::Encryption => seal::key(key).map(|(id, _)| id),
            Self::Signing | Self::Refresh => mac_key(key).map(|(id, _)| id),
        }
    }
}

/// A key that is a text, and that nobody has seen.
pub fn random_key() -> anyhow::Result<String> {
    Ok(BASE64.encode(&random_bytes()?))
}

fn random_bytes() -> anyhow::Result<[u8; KEY_LEN]> {
    let mut bytes = [0; KEY_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no random bytes"))?;
    Ok(bytes)
}

/// A secret that this function rotates.
#[derive(Debug)]
pub struct Rotated {
    /// Which one.
    pub arn: String,
    /// What its keys are for.
    pub kind: Kind,
    /// The member that has them; `None` if the whole is a key set.
    member: Option<String>,
}

impl Rotated {
    /// Every one of ours.
    pub fn all(config: &Config) -> anyhow::Result<[Self; 3]> {
        Ok([
            Self::of(Kind::Signing, &config.tokens.signing_keys)?,
            Self::of(Kind::Refresh, &config.tokens.refresh_secret)?,
            Self::of(Kind::Encryption, &config.keys.encryption_key)?,
        ])
    }

    /// The one whose ARN is `arn`, if it is one of ours.
    pub fn named(config: &Config, arn: &str) -> anyhow::Result<Self> {
        let found = Self::all(config)?.into_iter().find(|secret| secret.arn == arn);
        found.with_context(|| format!("{arn} is none of the secrets that are rotated here"))
    }

    fn of(kind: Kind, setting: &Setting) -> anyhow::Result<Self> {
        let Setting::Secret(reference) = setting else {
            anyhow::bail!("what is given as the {} keys is no reference to a secret", kind.name())
        };
        let (arn, member) = (reference.arn().to_owned(), reference.member().map(str::to_owned));
        anyhow::ensure!(
            member.is_none() == (kind == Kind::Signing),
            "the {} keys are not where they are expected in {arn}",
            kind.name()
        );
        Ok(Self { arn, kind, member })
    }

    /// How long a key may be needed after it has made something for the last time.
    pub fn keep(&self, config: &Config) -> anyhow::Result<TimeDelta> {
        let lifetime = match self.kind {
            Kind::Signing => TimeDelta::from_std(config.tokens.expiry)?,
            Kind::Refresh => TimeDelta::from_std(config.tokens.refresh_expiry)?,
            Kind::Encryption => idempotency::LIFETIME,
        };
        Ok(lifetime + MARGIN)
    }

    /// A key that nobody has seen.
    pub fn fresh(&self) -> anyhow::Result<Entry> {
        let (id, key) = if self.kind == Kind::Signing {
            (Uuid::new_v4().to_string(), BASE64URL_NOPAD.encode(&random_bytes()?))
        } else {
            let key = random_key()?;
            (self.kind.id(&key)?.to_string(), key)
        };
        Ok(Entry { id, key: key.into(), published_at: None, retired_at: None })
    }

    /// The keys in `document`.
    pub fn parse(&self, document: &str) -> anyhow::Result<KeyGenerations> {
        match &self.member {
            None => signing_keys::parse(document),
            Some(member) => key_text::parse(self.kind, member, document),
        }
        .with_context(|| format!("the secret of the {} keys cannot be read", self.kind.name()))
    }

    /// `document` with the keys of `ring` in place of its own.
    pub fn render(&self, ring: &KeyGenerations, document: &str) -> anyhow::Result<String> {
        match &self.member {
            None => signing_keys::render(ring),
            Some(member) => key_text::render(ring, member, document),
        }
    }

    /// Refuses a `pending` version that would change more of `current` than the keys.
    pub fn same_besides(&self, pending: &str, current: &str) -> anyhow::Result<()> {
        let Some(member) = &self.member else { return Ok(()) };
        anyhow::ensure!(
            key_text::besides(member, pending)? == key_text::besides(member, current)?,
            "the secret was changed since this version was made"
        );
        Ok(())
    }

    /// What a function would be given that reads `document`.
    pub fn setting(&self, document: &str) -> anyhow::Result<Setting> {
        let value = match &self.member {
            None => document.to_owned(),
            Some(member) => key_text::text(member, document)?,
        };
        // An ARN would be read from Secrets Manager.
        anyhow::ensure!(SecretRef::parse(&value).is_none(), "a reference is no key");
        Ok(Setting::Plain(value.into()))
    }
}
