//! Access tokens: JWTs after RFC 9068, signed with Ed25519 (RFC 8037).

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

/// Verifies access tokens with the public key set.
#[derive(Clone)]
pub struct Verifier {
    keys: KeySetReader,
    validation: Arc<Validation>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Reads the key set at the first token.
    #[must_use]
    pub fn new(secrets: Secrets, tokens: &Tokens, clock: Arc<dyn Clock>) -> Self {
        jwt_provider::install();
        let keys = KeySetReader::new(secrets, tokens.verification_keys.clone());
        Self { keys, validation: Arc::new(validation(tokens)), clock }
    }

    /// The public key set, for everyone to see.
    pub async fn key_set(&self) -> anyhow::Result<KeySet> {
        let set = self.keys.read(false).await?;
        Ok(KeySet { keys: set.keys.iter().map(Key::public).collect() })
    }

    /// What `token` says, if it is one of ours and valid now; `None` whatever else it is.
    ///
    /// An unknown key id makes the set be read again, but only as often as [`Secrets::renew`] allows.
    pub async fn verify(&self, token: &str) -> anyhow::Result<Option<Claims>> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        let Some(kid) = header.kid.filter(|_| header.typ.as_deref() == Some(TYPE)) else { return Ok(None) };
        let mut set = self.keys.read(false).await?;
        if set.named(&kid).is_none() {
            set = self.keys.read(true).await?;
        }
        let Some(key) = set.named(&kid) else { return Ok(None) };
        let key = DecodingKey::from_ed_components(&key.x)?;
        Ok(decode::<Claims>(token, &key, &self.validation).ok().map(|token| token.claims).filter(|claims| {
            let now = self.clock.now().timestamp();
            claims.nbf <= now + LEEWAY && now < claims.exp
        }))
    }
}

/// What `token` says, whoever made it: to have at hand what a true one will need, and for nothing else.
#[must_use]
pub fn unverified(token: &str) -> Option<Claims> {
    insecure_decode_claims(token).ok()
}

fn validation(tokens: &Tokens) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&tokens.issuer]);
    validation.set_audience(&[&tokens.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "nbf", "exp"]);
    // Asked of our own clock in `verify`.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
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
        jwt_provider::install();
        Self { secrets, tokens }
    }

    /// Fails if it could not sign now: to be asked before anything is committed that promises a token.
    pub async fn check(&self) -> anyhow::Result<()> {
        self.current_pair().await.map(drop)
    }

    /// The current key's id, and its seed with its public half.
    async fn current_pair(&self) -> anyhow::Result<(String, Vec<u8>)> {
        // Parsed for as long as it is needed: what is kept of private keys, `Secrets` keeps.
        let set = KeySet::parse(&self.secrets.get(&self.tokens.signing_keys).await?)?;
        let current = set.keys.iter().find(|key| key.status == Some(Status::Current));
        let key = current.ok_or_else(|| anyhow::anyhow!("the signing key set has no current key"))?;
        let private = key.seed().ok_or_else(|| anyhow::anyhow!("the current signing key is not private"))?;
        let mut pair = BASE64URL_NOPAD.decode(private.as_bytes())?;
        pair.extend(BASE64URL_NOPAD.decode(key.x.as_bytes())?);
        Ok((key.kid.clone(), pair))
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
