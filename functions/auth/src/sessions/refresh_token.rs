//! Refresh tokens: opaque to clients, rotated at every use.
//!
//! A token is `rt_` and base64url of: the id of the key it was made with (4 bytes), the session's id (16), its generation
//! (4), a secret (32), a tag (16). The tag proves that the token is authentic, however old it is, so a forged token cannot end
//! a session. The successor's secret is a MAC of its predecessor: the same token, presented twice, gets the same successor,
//! and nothing readable is stored for it.

use data_encoding::BASE64URL_NOPAD;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use shared::{
    crypto::keyring::{KeyId, Keyring},
    domain::ids::SessionId,
};
use subtle::ConstantTimeEq;
use uuid::Uuid;

const PREFIX: &str = "rt_";
const KEY: usize = KeyId::LEN;
const ID: usize = KEY + 16;
const GENERATION: usize = ID + 4;
const BODY: usize = GENERATION + 32;
const TAG: usize = 16;
const LEN: usize = BODY + TAG;

/// The keys of refresh tokens: the first one makes tokens, all of them verify tokens.
pub type RefreshKeys = Keyring<hmac::Key>;

/// An authentic refresh token.
pub struct RefreshToken {
    bytes: [u8; LEN],
    /// The key that made it. The token names it.
    key: Box<hmac::Key>,
}

/// The result of parsing a text as a refresh token.
pub enum ParsedToken {
    Authentic(RefreshToken),
    /// It has the form of a token, but names an unknown key: a retired one, an invented one, or one newer than the keys that
    /// were read.
    UnknownKey,
    Forged,
}

impl RefreshToken {
    /// Generates the first token of a session.
    pub fn first(keys: &RefreshKeys, session: SessionId) -> anyhow::Result<Self> {
        let mut secret = [0; BODY - GENERATION];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(Self::seal(keys.first(), session, 0, &secret))
    }

    /// Returns the token after this one, made with the first of `keys`. It is the same as long as that key is the first.
    pub fn successor(&self, keys: &RefreshKeys) -> Self {
        self.successor_by(keys.first())
    }

    /// Returns the token after this one whose stored hash is `hash`: another instance may have made it with any of `keys`.
    pub fn successor_hashed(&self, keys: &RefreshKeys, hash: &[u8]) -> Option<Self> {
        keys.iter().map(|key| self.successor_by(key)).find(|successor| successor.hash() == hash)
    }

    fn successor_by(&self, key: &(KeyId, hmac::Key)) -> Self {
        let secret = mac(&key.1, b"successor", &self.bytes);
        Self::seal(key, self.session(), self.generation().wrapping_add(1), secret.as_ref())
    }

    /// Parses a token, and verifies its tag.
    pub fn parse(keys: &RefreshKeys, token: &str) -> ParsedToken {
        let encoded = token.strip_prefix(PREFIX).unwrap_or_default();
        let bytes: Result<[u8; LEN], _> =
            BASE64URL_NOPAD.decode(encoded.as_bytes()).unwrap_or_default().try_into();
        let Ok(bytes) = bytes else { return ParsedToken::Forged };
        let Some((_, key)) = keys.find(&bytes[..KEY]) else { return ParsedToken::UnknownKey };
        let (body, tag) = bytes.split_at(BODY);
        // Truncated to 128 bits (RFC 2104, 5), so it is compared here, in constant time.
        let expected = mac(key, b"tag", body);
        if bool::from(expected.as_ref()[..TAG].ct_eq(tag)) {
            ParsedToken::Authentic(Self { bytes, key: Box::new(key.clone()) })
        } else {
            ParsedToken::Forged
        }
    }

    pub fn session(&self) -> SessionId {
        let mut id = [0; ID - KEY];
        id.copy_from_slice(&self.bytes[KEY..ID]);
        SessionId(Uuid::from_bytes(id))
    }

    /// Returns the keyed hash that is stored.
    pub fn hash(&self) -> Vec<u8> {
        mac(&self.key, b"hash", &self.bytes).as_ref().to_vec()
    }

    /// Returns the text that is sent to the client.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&self.bytes))
    }

    fn generation(&self) -> u32 {
        let mut generation = [0; GENERATION - ID];
        generation.copy_from_slice(&self.bytes[ID..GENERATION]);
        u32::from_be_bytes(generation)
    }

    fn seal((id, key): &(KeyId, hmac::Key), session: SessionId, generation: u32, secret: &[u8]) -> Self {
        let mut bytes = [0; LEN];
        bytes[..KEY].copy_from_slice(id.as_bytes());
        bytes[KEY..ID].copy_from_slice(session.0.as_bytes());
        bytes[ID..GENERATION].copy_from_slice(&generation.to_be_bytes());
        bytes[GENERATION..BODY].copy_from_slice(secret);
        let tag = mac(key, b"tag", &bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&tag.as_ref()[..TAG]);
        Self { bytes, key: Box::new(key.clone()) }
    }
}

/// Returns a MAC that is bound to `purpose`.
fn mac(key: &hmac::Key, purpose: &[u8], message: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose);
    context.update(&[0]);
    context.update(message);
    context.sign()
}

#[cfg(test)]
mod tests {
    use shared::crypto::keyring::mac_key;

    use super::*;

    fn keys(digits: &[&str]) -> RefreshKeys {
        let keys: Vec<_> = digits.iter().map(|digit| digit.repeat(32)).collect();
        Keyring::parse(&keys.join(","), mac_key).expect("keys")
    }

    fn reparse(keys: &RefreshKeys, token: &RefreshToken) -> RefreshToken {
        match RefreshToken::parse(keys, &token.reveal()) {
            ParsedToken::Authentic(token) => token,
            _ => panic!("an authentic token"),
        }
    }

    #[test]
    fn a_parsed_token_has_one_successor() {
        let (session, keys) = (SessionId::new(), keys(&["1"]));
        let first = RefreshToken::first(&keys, session).expect("random bytes");
        let again = reparse(&keys, &first);
        assert_eq!(again.session(), session);
        assert_eq!(first.successor(&keys).reveal(), again.successor(&keys).reveal());
        assert_ne!(first.successor(&keys).reveal(), first.reveal());
    }

    #[test]
    fn the_stored_successor_is_found_with_keys_in_another_order() {
        let (before, after) = (keys(&["1", "2"]), keys(&["2", "1", "3"]));
        let token = RefreshToken::first(&before, SessionId::new()).expect("random bytes");
        let successor = token.successor(&before);
        let token = reparse(&after, &token);
        assert_ne!(token.successor(&after).reveal(), successor.reveal());
        let found = token.successor_hashed(&after, &successor.hash()).expect("the one that is stored");
        assert_eq!(found.reveal(), successor.reveal());
        assert!(token.successor_hashed(&keys(&["3"]), &successor.hash()).is_none());
    }

    #[test]
    fn a_token_changed_in_any_byte_is_forged() {
        let keys = keys(&["1", "2"]);
        let token = RefreshToken::first(&keys, SessionId::new()).expect("random bytes");
        for at in 0..LEN {
            let mut changed = reparse(&keys, &token);
            changed.bytes[at] ^= 1;
            let parsed = RefreshToken::parse(&keys, &changed.reveal());
            assert!(!matches!(parsed, ParsedToken::Authentic(_)), "byte {at}");
        }
    }

    #[test]
    fn a_token_that_names_a_key_that_did_not_make_it_is_forged() {
        let token = RefreshToken::first(&keys(&["1"]), SessionId::new()).expect("random bytes");
        let others = keys(&["2"]);
        assert!(matches!(RefreshToken::parse(&others, &token.reveal()), ParsedToken::UnknownKey));
        let mut renamed = reparse(&keys(&["1"]), &token);
        renamed.bytes[..KEY].copy_from_slice(others.first().0.as_bytes());
        assert!(matches!(RefreshToken::parse(&others, &renamed.reveal()), ParsedToken::Forged));
    }
}
