//! The keys of access tokens, as JSON Web Keys (RFC 7517).

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};

use crate::{
    aws::secrets::Secrets,
    config::{Secret, Setting},
};

/// A set of keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeySet {
    /// The keys, in no particular order.
    pub keys: Vec<Key>,
}

impl KeySet {
    /// The keys of ours that `document` has.
    pub fn parse(document: &str) -> anyhow::Result<Self> {
        let set: AnyKeySet = serde_json::from_str(document)
            .map_err(|_| anyhow::anyhow!("the key set is not a JSON Web Key Set"))?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self { keys: keys.filter(Key::is_ours).collect() })
    }

    /// The key whose id is `kid`.
    #[must_use]
    pub fn named(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Published, and not used yet.
    Next,
    /// The only one that signs.
    Current,
    /// Signs no more; what it signed is still valid.
    Previous,
}

/// One Ed25519 key (RFC 8037).
#[derive(Clone, Serialize, Deserialize)]
pub struct Key {
    /// The key type: `OKP`.
    pub kty: String,
    /// The curve: `Ed25519`.
    pub crv: String,
    /// The algorithm it is bound to: `EdDSA`.
    pub alg: String,
    /// What it is for: `sig`.
    pub r#use: String,
    /// Its name in a token's header.
    pub kid: String,
    /// The public key.
    pub x: String,
    /// The private key; absent from the public set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    d: Option<String>,
    /// Where it is in its life; absent from the public set, as what follows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Status>,
    /// When it became known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published_at: Option<DateTime<Utc>>,
    /// When it signed for the last time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retired_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Key {
    /// The key pair of `seed` (RFC 8032, 5.1.5), which is written in base64url.
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

    /// The private key, in base64url.
    #[must_use]
    pub fn seed(&self) -> Option<&str> {
        self.d.as_deref()
    }

    /// The same key with nothing private in it.
    #[must_use]
    pub fn public(&self) -> Self {
        Self { d: None, status: None, published_at: None, retired_at: None, ..self.clone() }
    }

    fn is_ours(&self) -> bool {
        self.kty == "OKP" && self.crv == "Ed25519" && self.alg == "EdDSA"
    }
}

/// A set in which there may be keys of other kinds, which are passed over (RFC 7517, 5).
#[derive(Deserialize)]
struct AnyKeySet {
    keys: Vec<serde_json::Value>,
}

/// Reads the public set that a setting holds, and parses it when it is another than the last time.
#[derive(Clone)]
pub struct KeySetReader(Arc<Inner>);

struct Inner {
    secrets: Secrets,
    setting: Setting,
    last: Mutex<Option<(Secret, Arc<KeySet>)>>,
}

impl KeySetReader {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(secrets: Secrets, setting: Setting) -> Self {
        Self(Arc::new(Inner { secrets, setting, last: Mutex::default() }))
    }

    /// The set, as new as [`Secrets::get`] says; as [`Secrets::renew`] does if `renew`.
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
