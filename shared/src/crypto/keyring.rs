//! Several keys in one setting, separated by commas: the first one makes, all of them read what was made.

use std::fmt;

use ring::{
    digest::{SHA256, digest},
    hmac,
};

/// The least length of a key of MACs: as long as what they are made of (RFC 2104, 3).
const MAC_KEY_LEN: usize = 32;

/// By which a key is found again: the first bytes of its SHA-256, which say nothing about 32 random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; Self::LEN]);

impl KeyId {
    /// Its length in bytes.
    pub const LEN: usize = 4;

    /// That of `key`.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let mut id = [0; Self::LEN];
        id.copy_from_slice(&digest(&SHA256, key).as_ref()[..Self::LEN]);
        Self(id)
    }

    /// As what is made with the key carries it.
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
    /// Reads `text`, each key with `read`.
    pub fn parse(text: &str, read: impl Fn(&str) -> anyhow::Result<(KeyId, K)>) -> anyhow::Result<Self> {
        let mut keys = text.split(',').map(|key| read(key.trim()));
        let first = keys.next().ok_or_else(|| anyhow::anyhow!("there is no key"))??;
        Ok(Self { first, others: keys.collect::<anyhow::Result<_>>()? })
    }

    /// The one that makes.
    #[must_use]
    pub fn first(&self) -> &(KeyId, K) {
        &self.first
    }

    /// All of them, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &(KeyId, K)> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The one that `id` names.
    #[must_use]
    pub fn find(&self, id: &[u8]) -> Option<&(KeyId, K)> {
        self.iter().find(|(known, _)| known.as_bytes() == id)
    }
}

/// Reads a key of MACs: the text itself.
pub fn mac_key(text: &str) -> anyhow::Result<(KeyId, hmac::Key)> {
    // What is wrong with it is not repeated.
    anyhow::ensure!(text.len() >= MAC_KEY_LEN, "a secret that keys MACs is shorter than {MAC_KEY_LEN} bytes");
    Ok((KeyId::of(text.as_bytes()), hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_makes_and_each_is_found_by_its_id() {
        let [one, two] = ["1", "2"].map(|digit| digit.repeat(MAC_KEY_LEN));
        let keys = Keyring::parse(&format!("{one}, {two}"), mac_key).expect("two keys");
        assert_eq!(keys.first().0, KeyId::of(one.as_bytes()));
        for key in [&one, &two] {
            let id = KeyId::of(key.as_bytes());
            assert_eq!(keys.find(id.as_bytes()).map(|(found, _)| *found), Some(id));
        }
        assert!(keys.find(&[0; KeyId::LEN]).is_none());
    }

    #[test]
    fn a_key_that_is_too_short_is_refused_wherever_it_stands_and_not_repeated() {
        let good = "1".repeat(MAC_KEY_LEN);
        for text in ["", "hunter2", &format!("{good},hunter2"), &format!("{good},")] {
            let error = Keyring::parse(text, mac_key).err().expect("no keys");
            assert!(!format!("{error:#}").contains("hunter2"));
        }
    }
}
