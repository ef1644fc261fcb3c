//! API keys: `ak_<id>_<secret><checksum>`.
//!
//! The id finds the row, so that the secret is never searched for. The checksum tells a typing error, or a find of a secret
//! scanner that is none, without asking the database.

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

/// A well-formed key; whether it is a valid one, the database knows.
#[derive(Clone)]
pub struct ApiKeyToken {
    /// Which key it claims to be.
    pub id: ApiKeyId,
    text: String,
}

impl ApiKeyToken {
    /// A new secret for the key `id`.
    pub fn generate(id: ApiKeyId) -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        let secret = BASE32_NOPAD.encode(&secret).to_lowercase();
        let body = format!("{PREFIX}{}_{secret}", id.0.simple());
        Ok(Self { id, text: format!("{body}{}", checksum(&body)) })
    }

    /// Whether `text` is meant to be a key.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads a key, if its checksum is right.
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

    /// What is stored: there is nothing to guess in 256 random bits, so no key and no salt.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.text.as_bytes()).as_ref().to_vec()
    }

    /// The key itself, to be shown once.
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
