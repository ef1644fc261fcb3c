//! The signing keys of access tokens, as JSON Web Keys (RFC 7517).

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};

use crate::{
    aws::secrets::Secrets,
    config::{Secret, Setting},
};

/// A JSON Web Key Set. The order of the keys has no meaning.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeySet {
    pub keys: Vec<Key>,
}

impl KeySet {
    /// Parses `document`. Ignores keys of other kinds than [`Key`].
    pub fn parse(document: &str) -> anyhow::Result<Self> {
        let set: AnyKeySet = serde_json::from_str(document)
            .map_err(|_| anyhow::anyhow!("the key set is not a JSON Web Key Set"))?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self { keys: keys.filter(Key::is_supported).collect() })
    }

    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

/// The state of a key in its rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Published, not used yet.
    Next,
    /// The only key that signs.
    Current,
    /// No longer signs. Its signatures are still accepted.
    Previous,
}

/// One Ed25519 key (RFC 8037).
#[derive(Clone, Serialize, Deserialize)]
pub struct Key {
    /// The key type: `OKP`.
    pub kty: String,
    /// The curve: `Ed25519`.
    pub crv: String,
    /// The algorithm: `EdDSA`.
    pub alg: String,
    /// The use: `sig`.
    pub r#use: String,
    /// The key id, as in a token's header.
    pub kid: String,
    /// The public key.
    pub x: String,
    /// The private key. This and the following members are absent from the public set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    d: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published_at: Option<DateTime<Utc>>,
    /// The time at which the key stopped signing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retired_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Key {
    /// Creates the key pair of `seed` (RFC 8032, 5.1.5), given in base64url.
    pub fn from_seed(kid: &str, seed: &str) -> anyhow::Result<Self> {
        let bytes = BASE64URL_NOPAD.decode(seed.as_bytes()).unwrap_or_default();
        let pair = Ed25519KeyPair::from_seed_unchecked(&bytes)
            .map_err(|_| anyhow::anyhow!("the key {kid} is not 32 bytes in base64url"))?;
        Ok(Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
            kid: kid.to_owned(),
            x: BASE64URL_NOPAD.encode(pair.public_key().as_ref()),
            d: Some(seed.to_owned()),
            status: None,
            published_at: None,
            retired_at: None,
        })
    }

    /// Returns the private key in base64url.
    #[must_use]
    pub fn seed(&self) -> Option<&str> {
        self.d.as_deref()
    }

    /// Returns the key as the public set has it, without anything private.
    #[must_use]
    pub fn public(&self) -> Self {
        Self { d: None, status: None, published_at: None, retired_at: None, ..self.clone() }
    }

    fn is_supported(&self) -> bool {
        self.kty == "OKP" && self.crv == "Ed25519" && self.alg == "EdDSA"
    }
}

/// A set that may contain other kinds of keys, which a reader must ignore (RFC 7517, 5).
#[derive(Deserialize)]
struct AnyKeySet {
    keys: Vec<serde_json::Value>,
}

/// Reads the public key set from a setting. Parses it only when it has changed.
#[derive(Clone)]
pub struct KeySetReader(Arc<Inner>);

struct Inner {
    secrets: Secrets,
    setting: Setting,
    last: Mutex<Option<(Secret, Arc<KeySet>)>>,
}

impl KeySetReader {
    #[must_use]
    pub fn new(secrets: Secrets, setting: Setting) -> Self {
        Self(Arc::new(Inner { secrets, setting, last: Mutex::default() }))
    }

    /// Returns the set, read as by [`Secrets::renew`] if `renew`, otherwise as by [`Secrets::get`].
    pub async fn read(&self, renew: bool) -> anyhow::Result<Arc<KeySet>> {
        let document = self.0.secrets.read(&self.0.setting, renew).await?;
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((parsed, set)) = &*last
            && **parsed == *document
        {
            return Ok(Arc::clone(set));
        }
        let set = Arc::new(KeySet::parse(&document)?);
        *last = Some((document, Arc::clone(&set)));
        Ok(set)
    }
}
