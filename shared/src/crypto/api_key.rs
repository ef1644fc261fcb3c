//! API keys: `ak_<id>_<secret><checksum>`.
//!
//! The id finds the row, so the database is never searched for a secret. The checksum detects typing errors and false positives of
//! secret scanners without asking the database.

use data_encoding::BASE32_NOPAD;
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use uuid::Uuid;

use crate::domain::ids::ApiKeyId;

const PREFIX: &str = "ak_";
/// 256 bits in base32.
const SECRET_LEN: usize = 52;
/// 32 bits in base32.
const CHECKSUM_LEN: usize = 7;

/// A well-formed key. Only the database knows whether it is valid.
#[derive(Clone)]
pub struct ApiKeyToken {
    /// Not verified.
    pub id: ApiKeyId,
    text: String,
}

impl ApiKeyToken {
    /// Generates a new secret for the key `id`.
    pub fn generate(id: ApiKeyId) -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        let secret = BASE32_NOPAD.encode(&secret).to_lowercase();
        let body = format!("{PREFIX}{}_{secret}", id.0.simple());
        Ok(Self { id, text: format!("{body}{}", checksum(&body)) })
    }

    /// Checks whether `text` has the prefix of API keys.
    #[must_use]
    pub fn has_prefix(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Parses a key; `None` if it is malformed or its checksum is wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
        if rest.len() != SECRET_LEN + CHECKSUM_LEN || !text.is_ascii() {
            return None;
        }
        let (body, given) = text.split_at(text.len() - CHECKSUM_LEN);
        let id = Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().to_string() == id)?;
        (checksum(body) == given).then(|| Self { id: ApiKeyId(id), text: text.to_owned() })
    }

    /// Returns the hash that is stored. 256 random bits cannot be guessed, so it needs no key and no salt.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.text.as_bytes()).as_ref().to_vec()
    }

    /// Returns the key itself, to show it once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for ApiKeyToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKeyToken({})", self.id)
    }
}

fn checksum(body: &str) -> String {
    BASE32_NOPAD.encode(&digest(&SHA256, body.as_bytes()).as_ref()[..4]).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_a_mistyped_one_is_not() {
        let key = ApiKeyToken::generate(ApiKeyId::new()).expect("a key");
        let read = ApiKeyToken::parse(key.reveal()).expect("a well-formed key");
        assert_eq!((read.id, read.hash()), (key.id, key.hash()));
        for position in 0..key.reveal().len() {
            let mut mistyped = key.reveal().to_owned().into_bytes();
            mistyped[position] = if mistyped[position] == b'a' { b'b' } else { b'a' };
            let mistyped = String::from_utf8(mistyped).expect("ASCII");
            assert!(ApiKeyToken::parse(&mistyped).is_none(), "{mistyped}");
        }
        for text in ["", "ak_", "ak__", "ak_x_y", &key.reveal().to_uppercase(), &format!("{}a", key.reveal())]
        {
            assert!(ApiKeyToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_is_not_shown_by_debug() {
        let key = ApiKeyToken::generate(ApiKeyId::new()).expect("a key");
        assert!(!format!("{key:?}").contains(&key.reveal()[36..]));
    }
}
