//! Refresh tokens: opaque to clients, rotated at every use.
//!
//! A token is `rt_` and base64url of: the session's id (16 bytes), its generation (4), a secret (32), a tag (16). The tag
//! tells a token that we made, however old, from one that someone made up, so that only the former can end a session.
//! The successor's secret is a MAC of its predecessor's: whoever presents the same token twice gets the same successor,
//! and nothing readable is stored for it.

use data_encoding::BASE64URL_NOPAD;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use shared::ids::SessionId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

const PREFIX: &str = "rt_";
const ID: usize = 16;
const GENERATION: usize = 4;
const SECRET: usize = 32;
const TAG: usize = 16;
const BODY: usize = ID + GENERATION + SECRET;

/// A refresh token that we made.
pub struct RefreshToken([u8; BODY + TAG]);

impl RefreshToken {
    /// The first token of a session.
    pub fn first(key: &hmac::Key, session: SessionId) -> anyhow::Result<Self> {
        let mut secret = [0; SECRET];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(Self::seal(key, session, 0, &secret))
    }

    /// The token after this one; always the same.
    pub fn successor(&self, key: &hmac::Key) -> Self {
        let secret = mac(key, b"successor", &self.0);
        Self::seal(key, self.session(), self.generation().wrapping_add(1), secret.as_ref())
    }

    /// Reads a token; `None` if we did not make it.
    pub fn parse(key: &hmac::Key, token: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(token.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        let token = Self(bytes.try_into().ok()?);
        let (body, tag) = token.0.split_at(BODY);
        // Truncated to 128 bits (RFC 2104, 5), so it is compared here, in constant time.
        let expected = mac(key, b"tag", body);
        bool::from(expected.as_ref()[..TAG].ct_eq(tag)).then_some(token)
    }

    /// Whose token it is.
    pub fn session(&self) -> SessionId {
        let mut id = [0; ID];
        id.copy_from_slice(&self.0[..ID]);
        SessionId(Uuid::from_bytes(id))
    }

    /// What is stored of it.
    pub fn hash(&self, key: &hmac::Key) -> Vec<u8> {
        mac(key, b"hash", &self.0).as_ref().to_vec()
    }

    /// As the client sees it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&self.0))
    }

    fn generation(&self) -> u32 {
        let mut generation = [0; GENERATION];
        generation.copy_from_slice(&self.0[ID..ID + GENERATION]);
        u32::from_be_bytes(generation)
    }

    fn seal(key: &hmac::Key, session: SessionId, generation: u32, secret: &[u8]) -> Self {
        let mut token = [0; BODY + TAG];
        token[..ID].copy_from_slice(session.0.as_bytes());
        token[ID..ID + GENERATION].copy_from_slice(&generation.to_be_bytes());
        token[ID + GENERATION..BODY].copy_from_slice(secret);
        let tag = mac(key, b"tag", &token[..BODY]);
        token[BODY..].copy_from_slice(&tag.as_ref()[..TAG]);
        Self(token)
    }
}

/// A MAC that cannot be taken for one of another purpose.
fn mac(key: &hmac::Key, purpose: &[u8], message: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose);
    context.update(&[0]);
    context.update(message);
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, b"a key for tests")
    }

    #[test]
    fn a_token_is_read_back_and_has_one_successor() {
        let session = SessionId::new();
        let first = RefreshToken::first(&key(), session).expect("random bytes");
        let again = RefreshToken::parse(&key(), &first.reveal()).expect("our own token");
        assert_eq!(again.session(), session);
        assert_eq!(first.successor(&key()).reveal(), again.successor(&key()).reveal());
        assert_ne!(first.successor(&key()).reveal(), first.reveal());
    }

    #[test]
    fn a_token_changed_in_any_byte_is_not_ours() {
        let token = RefreshToken::first(&key(), SessionId::new()).expect("random bytes");
        for at in 0..token.0.len() {
            let mut changed = RefreshToken(token.0);
            changed.0[at] ^= 1;
            assert!(RefreshToken::parse(&key(), &changed.reveal()).is_none(), "byte {at}");
        }
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"another key");
        assert!(RefreshToken::parse(&other, &token.reveal()).is_none());
    }
}
