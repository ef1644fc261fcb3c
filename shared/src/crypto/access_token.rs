//! Access tokens: JWTs (RFC 9068) signed with Ed25519 (RFC 8037).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, dangerous::insecure_decode_claims, decode,
    decode_header, encode,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    jwt_provider,
    key_set::{Key, KeySet, KeySetReader, Status},
};
use crate::{
    aws::secrets::Secrets,
    config::Tokens,
    domain::{
        clock::Clock,
        ids::{SessionId, UserId},
    },
};

/// The header's `typ` (RFC 9068, 2.1), so that no other kind of JWT is accepted as an access token.
const TOKEN_TYPE: &str = "at+jwt";
/// The allowed difference between the clocks of two machines, in seconds.
const CLOCK_LEEWAY: i64 = 5;

/// The claims of an access token. Times are Unix times in seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    /// The session of the token. It may have ended since.
    pub sid: SessionId,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub jti: Uuid,
}

/// Verifies access tokens with the public key set.
#[derive(Clone)]
pub struct Verifier {
    keys: KeySetReader,
    validation: Arc<Validation>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Creates a verifier. It reads the key set at the first token.
    #[must_use]
    pub fn new(secrets: Secrets, tokens: &Tokens, clock: Arc<dyn Clock>) -> Self {
        jwt_provider::install();
        let keys = KeySetReader::new(secrets, tokens.verification_keys.clone());
        Self { keys, validation: Arc::new(validation(tokens)), clock }
    }

    /// Returns the public key set, without anything private.
    pub async fn key_set(&self) -> anyhow::Result<KeySet> {
        let set = self.keys.read(false).await?;
        Ok(KeySet { keys: set.keys.iter().map(Key::public).collect() })
    }

    /// Returns the claims of `token` if it is an access token of this system and valid now; otherwise `None`.
    ///
    /// Reads the key set again for an unknown key id, but only as often as [`Secrets::renew`] allows.
    pub async fn verify(&self, token: &str) -> anyhow::Result<Option<Claims>> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        // No extension is understood, so a header with `crit` must be refused (RFC 7515, 4.1.11).
        if header.typ.as_deref() != Some(TOKEN_TYPE) || header.crit.is_some() {
            return Ok(None);
        }
        let Some(kid) = header.kid else { return Ok(None) };
        let mut set = self.keys.read(false).await?;
        if set.find(&kid).is_none() {
            set = self.keys.read(true).await?;
        }
        let Some(key) = set.find(&kid) else { return Ok(None) };
        let key = DecodingKey::from_ed_components(&key.x)?;
        Ok(decode::<Claims>(token, &key, &self.validation).ok().map(|token| token.claims).filter(|claims| {
            let now = self.clock.now().timestamp();
            claims.nbf <= now + CLOCK_LEEWAY && now < claims.exp
        }))
    }
}

/// Reads the claims of `token` without verifying it. Only for loading what a valid token will need.
#[must_use]
pub fn read_unverified(token: &str) -> Option<Claims> {
    insecure_decode_claims(token).ok()
}

fn validation(tokens: &Tokens) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&tokens.issuer]);
    validation.set_audience(&[&tokens.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "nbf", "exp"]);
    // `verify` checks them against the injected clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

/// Signs access tokens with the private key set. Only one function may read it.
#[derive(Clone)]
pub struct Signer {
    secrets: Secrets,
    tokens: Arc<Tokens>,
}

impl Signer {
    /// Creates a signer. It reads the key set at the first token.
    #[must_use]
    pub fn new(secrets: Secrets, tokens: Arc<Tokens>) -> Self {
        jwt_provider::install();
        Self { secrets, tokens }
    }

    /// Fails if no token can be signed now. Call it before a commit that must be followed by a token.
    pub async fn check(&self) -> anyhow::Result<()> {
        self.current_pair().await.map(drop)
    }

    /// Returns the id of the current key, and its seed followed by its public key.
    async fn current_pair(&self) -> anyhow::Result<(String, Vec<u8>)> {
        // Parsed at each use, so that only `Secrets` keeps private keys in memory.
        let set = KeySet::parse(&self.secrets.get(&self.tokens.signing_keys).await?)?;
        let current = set.keys.iter().find(|key| key.status == Some(Status::Current));
        let key = current.ok_or_else(|| anyhow::anyhow!("the signing key set has no current key"))?;
        let private =
            key.seed().ok_or_else(|| anyhow::anyhow!("the current signing key has no private part"))?;
        let mut pair = BASE64URL_NOPAD.decode(private.as_bytes())?;
        pair.extend(BASE64URL_NOPAD.decode(key.x.as_bytes())?);
        Ok((key.kid.clone(), pair))
    }

    /// Signs a token for `user` in `session`.
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
        let header =
            Header { typ: Some(TOKEN_TYPE.to_owned()), kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, &claims, &EncodingKey::from_ed_der(&pair))?)
    }
}
