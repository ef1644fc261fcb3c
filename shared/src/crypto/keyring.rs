//! Several keys in one setting, separated by commas. The first key encrypts or signs; all keys decrypt or verify.

use std::fmt;

use ring::{
    digest::{SHA256, digest},
    hmac,
};

/// The minimum length of a MAC key: the output length of the hash (RFC 2104, 3).
const MIN_MAC_KEY_LEN: usize = 32;

/// Identifies a key: the first bytes of its SHA-256, which reveal nothing about 32 random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; Self::LEN]);

impl KeyId {
    /// In bytes.
    pub const LEN: usize = 4;

    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let mut id = [0; Self::LEN];
        id.copy_from_slice(&digest(&SHA256, key).as_ref()[..Self::LEN]);
        Self(id)
    }

    /// Returns the id as it is stored beside what the key encrypted or signed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// The keys of a setting; never empty.
pub struct Keyring<K> {
    first: (KeyId, K),
    others: Vec<(KeyId, K)>,
}

impl<K> Keyring<K> {
    /// Parses `text`, each key with `read`.
    pub fn parse(text: &str, read: impl Fn(&str) -> anyhow::Result<(KeyId, K)>) -> anyhow::Result<Self> {
        let mut keys = text.split(',').map(|key| read(key.trim()));
        let first = keys.next().ok_or_else(|| anyhow::anyhow!("the setting contains no key"))??;
        Ok(Self { first, others: keys.collect::<anyhow::Result<_>>()? })
    }

    /// Returns the key that encrypts or signs.
    #[must_use]
    pub fn first(&self) -> &(KeyId, K) {
        &self.first
    }

    /// Returns all keys; [`Self::first`] comes first.
    pub fn iter(&self) -> impl Iterator<Item = &(KeyId, K)> {
        std::iter::once(&self.first).chain(&self.others)
    }

    #[must_use]
    pub fn find(&self, id: &[u8]) -> Option<&(KeyId, K)> {
        self.iter().find(|(known, _)| known.as_bytes() == id)
    }
}

/// Parses a MAC key: the text itself.
pub fn mac_key(text: &str) -> anyhow::Result<(KeyId, hmac::Key)> {
    // The error does not repeat the secret.
    anyhow::ensure!(text.len() >= MIN_MAC_KEY_LEN, "a MAC key is shorter than {MIN_MAC_KEY_LEN} bytes");
    Ok((KeyId::of(text.as_bytes()), hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_found_by_its_id() {
        let [one, two] = ["1", "2"].map(|digit| digit.repeat(MIN_MAC_KEY_LEN));
        let keys = Keyring::parse(&format!("{one}, {two}"), mac_key).expect("two keys");
        assert_eq!(keys.first().0, KeyId::of(one.as_bytes()));
        for key in [&one, &two] {
            let id = KeyId::of(key.as_bytes());
            assert_eq!(keys.find(id.as_bytes()).map(|(found, _)| *found), Some(id));
        }
        assert!(keys.find(&[0; KeyId::LEN]).is_none());
    }

    #[test]
    fn a_key_that_is_too_short_is_refused_and_not_repeated() {
        let good = "1".repeat(MIN_MAC_KEY_LEN);
        for text in ["", "hunter2", &format!("{good},hunter2"), &format!("{good},")] {
            let error = Keyring::parse(text, mac_key).err().expect("no keys");
            assert!(!format!("{error:#}").contains("hunter2"));
        }
    }
}
