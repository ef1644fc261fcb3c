//! Refresh tokens: opaque to clients, rotated at every use.
//!
//! A token is `rt_` and base64url of: the id of the key it was made with (4 bytes), the session's id (16), its generation
//! (4), a secret (32), a tag (16). The tag tells a token that we made, however old, from one that someone made up, so that
//! only the former can end a session. The successor's secret is a MAC of its predecessor's: whoever presents the same token
//! twice gets the same successor, and nothing readable is stored for it.

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

/// The keys of refresh tokens: the first one makes them, all of them know theirs again.
pub type RefreshKeys = Keyring<hmac::Key>;

/// A refresh token that we made.
pub struct RefreshToken {
    bytes: [u8; LEN],
    /// The one it was made with, which it names.
    key: Box<hmac::Key>,
}

/// What a text is that someone sent as a refresh token.
pub enum Reading {
    /// We made it.
    Ours(RefreshToken),
    /// It has the form, but names a key that is not among ours: dropped, made up, or newer than what was read.
    UnknownKey,
    /// We did not make it.
    Foreign,
}

impl RefreshToken {
    /// The first token of a session.
    pub fn first(keys: &RefreshKeys, session: SessionId) -> anyhow::Result<Self> {
        let mut secret = [0; BODY - GENERATION];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(Self::seal(keys.first(), session, 0, &secret))
    }

    /// The token after this one, which the first of `keys` makes; always the same while that is the first.
    pub fn successor(&self, keys: &RefreshKeys) -> Self {
        self.successor_by(keys.first())
    }

    /// The token after this one of which `hash` is stored: another instance may have made it with any of `keys`.
    pub fn successor_hashed(&self, keys: &RefreshKeys, hash: &[u8]) -> Option<Self> {
        keys.iter().map(|key| self.successor_by(key)).find(|successor| successor.hash() == hash)
    }

    fn successor_by(&self, key: &(KeyId, hmac::Key)) -> Self {
        let secret = mac(&key.1, b"successor", &self.bytes);
        Self::seal(key, self.session(), self.generation().wrapping_add(1), secret.as_ref())
    }

    /// Reads a token.
    pub fn read(keys: &RefreshKeys, token: &str) -> Reading {
        let encoded = token.strip_prefix(PREFIX).unwrap_or_default();
        let bytes: Result<[u8; LEN], _> =
            BASE64URL_NOPAD.decode(encoded.as_bytes()).unwrap_or_default().try_into();
        let Ok(bytes) = bytes else { return Reading::Foreign };
        let Some((_, key)) = keys.find(&bytes[..KEY]) else { return Reading::UnknownKey };
        let (body, tag) = bytes.split_at(BODY);
        // Truncated to 128 bits (RFC 2104, 5), so it is compared here, in constant time.
        let expected = mac(key, b"tag", body);
        if bool::from(expected.as_ref()[..TAG].ct_eq(tag)) {
            Reading::Ours(Self { bytes, key: Box::new(key.clone()) })
        } else {
            Reading::Foreign
        }
    }

    /// Whose token it is.
    pub fn session(&self) -> SessionId {
        let mut id = [0; ID - KEY];
        id.copy_from_slice(&self.bytes[KEY..ID]);
        SessionId(Uuid::from_bytes(id))
    }

    /// What is stored of it.
    pub fn hash(&self) -> Vec<u8> {
        mac(&self.key, b"hash", &self.bytes).as_ref().to_vec()
    }

    /// As the client sees it.
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
    use shared::crypto::keyring::mac_key;

    use super::*;

    fn keys(digits: &[&str]) -> RefreshKeys {
        let keys: Vec<_> = digits.iter().map(|digit| digit.repeat(32)).collect();
        Keyring::parse(&keys.join(","), mac_key).expect("keys")
    }

    fn ours(keys: &RefreshKeys, token: &RefreshToken) -> RefreshToken {
        match RefreshToken::read(keys, &token.reveal()) {
            Reading::Ours(token) => token,
            _ => panic!("our own token"),
        }
    }

    #[test]
    fn a_token_is_read_back_and_has_one_successor() {
        let (session, keys) = (SessionId::new(), keys(&["1"]));
        let first = RefreshToken::first(&keys, session).expect("random bytes");
        let again = ours(&keys, &first);
        assert_eq!(again.session(), session);
        assert_eq!(first.successor(&keys).reveal(), again.successor(&keys).reveal());
        assert_ne!(first.successor(&keys).reveal(), first.reveal());
    }

    #[test]
    fn whoever_has_other_keys_in_front_finds_the_successor_that_is_stored() {
        let (before, after) = (keys(&["1", "2"]), keys(&["2", "1", "3"]));
        let token = RefreshToken::first(&before, SessionId::new()).expect("random bytes");
        let successor = token.successor(&before);
        let token = ours(&after, &token);
        assert_ne!(token.successor(&after).reveal(), successor.reveal());
        let found = token.successor_hashed(&after, &successor.hash()).expect("the one that is stored");
        assert_eq!(found.reveal(), successor.reveal());
        assert!(token.successor_hashed(&keys(&["3"]), &successor.hash()).is_none());
    }

    #[test]
    fn a_token_changed_in_any_byte_is_not_ours() {
        let keys = keys(&["1", "2"]);
        let token = RefreshToken::first(&keys, SessionId::new()).expect("random bytes");
        for at in 0..LEN {
            let mut changed = ours(&keys, &token);
            changed.bytes[at] ^= 1;
            let reading = RefreshToken::read(&keys, &changed.reveal());
            assert!(!matches!(reading, Reading::Ours(_)), "byte {at}");
        }
    }

    #[test]
    fn a_token_of_another_key_is_not_ours_even_if_it_names_one_of_ours() {
        let token = RefreshToken::first(&keys(&["1"]), SessionId::new()).expect("random bytes");
        let others = keys(&["2"]);
        assert!(matches!(RefreshToken::read(&others, &token.reveal()), Reading::UnknownKey));
        let mut renamed = ours(&keys(&["1"]), &token);
        renamed.bytes[..KEY].copy_from_slice(others.first().0.as_bytes());
        assert!(matches!(RefreshToken::read(&others, &renamed.reveal()), Reading::Foreign));
    }
}
