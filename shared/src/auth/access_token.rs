//! Access tokens: JWTs after RFC 9068, signed with Ed25519 (RFC 8037).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::crypto;
use crate::{
    clock::Clock,
    config::{Setting, Tokens},
    ids::{SessionId, UserId},
    secrets::Secrets,
};

/// The header's `typ` (RFC 9068, 2.1): no other kind of JWT passes for an access token.
const TYPE: &str = "at+jwt";
/// How far the clocks of two machines may be apart.
const LEEWAY: i64 = 5;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Who may use it.
    pub sub: UserId,
    /// The session it was made in, which may have ended since.
    pub sid: SessionId,
    /// When it was made, as a Unix time in seconds.
    pub iat: i64,
    /// When it begins to be valid.
    pub nbf: i64,
    /// When it stops being valid.
    pub exp: i64,
    /// Its own id.
    pub jti: Uuid,
}

/// A set of keys, as JSON Web Keys (RFC 7517).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeySet {
    /// The keys, in no particular order.
    pub keys: Vec<Key>,
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
    /// Where it is in its life: `next`, `current` or `previous`; only the current one signs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    status: Option<String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Key {
    fn is_ours(&self) -> bool {
        self.kty == "OKP" && self.crv == "Ed25519" && self.alg == "EdDSA"
    }

    /// The same key with nothing private in it.
    fn public(self) -> Self {
        Self { d: None, status: None, ..self }
    }
}

/// A set in which there may be keys of other kinds, which are passed over (RFC 7517, 5).
#[derive(Deserialize)]
struct AnyKeySet {
    keys: Vec<serde_json::Value>,
}

async fn read(secrets: &Secrets, setting: &Setting, renew: bool) -> anyhow::Result<KeySet> {
    let document = if renew { secrets.renew(setting).await? } else { secrets.get(setting).await? };
    let set: AnyKeySet = serde_json::from_str(&document)
        .map_err(|_| anyhow::anyhow!("the key set is not a JSON Web Key Set"))?;
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    Ok(KeySet { keys: keys.filter(Key::is_ours).collect() })
}

/// Verifies access tokens with the public key set.
#[derive(Clone)]
pub struct Verifier {
    secrets: Secrets,
    tokens: Arc<Tokens>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Reads the key set at the first token.
    #[must_use]
    pub fn new(secrets: Secrets, tokens: Arc<Tokens>, clock: Arc<dyn Clock>) -> Self {
        crypto::install();
        Self { secrets, tokens, clock }
    }

    /// The public key set, for everyone to see.
    pub async fn key_set(&self) -> anyhow::Result<KeySet> {
        let set = read(&self.secrets, &self.tokens.verification_keys, false).await?;
        Ok(KeySet { keys: set.keys.into_iter().map(Key::public).collect() })
    }

    /// What `token` says, if it is one of ours and valid now; `None` whatever else it is.
    ///
    /// An unknown key id makes the set be read again, but only as often as [`Secrets::renew`] allows.
    pub async fn verify(&self, token: &str) -> anyhow::Result<Option<Claims>> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        let Some(kid) = header.kid.filter(|_| header.typ.as_deref() == Some(TYPE)) else { return Ok(None) };
        let setting = &self.tokens.verification_keys;
        let known = |set: KeySet| set.keys.into_iter().find(|key| key.kid == kid);
        let key = match known(read(&self.secrets, setting, false).await?) {
            Some(key) => key,
            None => match known(read(&self.secrets, setting, true).await?) {
                Some(key) => key,
                None => return Ok(None),
            },
        };
        let key = DecodingKey::from_ed_components(&key.x)?;
        Ok(decode::<Claims>(token, &key, &self.validation()).ok().map(|token| token.claims).filter(
            |claims| {
                let now = self.clock.now().timestamp();
                claims.nbf <= now + LEEWAY && now < claims.exp
            },
        ))
    }

    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.tokens.issuer]);
        validation.set_audience(&[&self.tokens.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "nbf", "exp"]);
        // Asked of our own clock in `verify`.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

/// Signs access tokens with the private key set, which only one function may read.
#[derive(Clone)]
pub struct Signer {
    secrets: Secrets,
    tokens: Arc<Tokens>,
}

impl Signer {
    /// Reads the key set at the first token.
    #[must_use]
    pub fn new(secrets: Secrets, tokens: Arc<Tokens>) -> Self {
        crypto::install();
        Self { secrets, tokens }
    }

    /// Fails if it could not sign now: to be asked before anything is committed that promises a token.
    pub async fn check(&self) -> anyhow::Result<()> {
        self.current_pair().await.map(drop)
    }

    /// The current key's id, and its seed with its public half.
    async fn current_pair(&self) -> anyhow::Result<(String, Vec<u8>)> {
        let set = read(&self.secrets, &self.tokens.signing_keys, false).await?;
        let current = set.keys.into_iter().find(|key| key.status.as_deref() == Some("current"));
        let key = current.ok_or_else(|| anyhow::anyhow!("the signing key set has no current key"))?;
        let private = key.d.ok_or_else(|| anyhow::anyhow!("the current signing key is not private"))?;
        let mut pair = BASE64URL_NOPAD.decode(private.as_bytes())?;
        pair.extend(BASE64URL_NOPAD.decode(key.x.as_bytes())?);
        Ok((key.kid, pair))
    }

    /// A token for `user` in `session`.
    pub async fn sign(&self, user: UserId, session: SessionId, now: DateTime<Utc>) -> anyhow::Result<String> {
        let (kid, pair) = self.current_pair().await?;
        let issued = now.timestamp();
        let claims = Claims {
            iss: self.tokens.issuer.clone(),
            aud: self.tokens.audience.clone(),
            sub: user,
            sid: session,
            iat: issued,
            nbf: issued,
            exp: issued + i64::try_from(self.tokens.expiry.as_secs())?,
            jti: Uuid::now_v7(),
        };
        let header = Header { typ: Some(TYPE.to_owned()), kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, &claims, &EncodingKey::from_ed_der(&pair))?)
    }
}
