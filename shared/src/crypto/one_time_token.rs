//! Secrets that are mailed, and can be used once.

use data_encoding::BASE64URL_NOPAD;
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// 256 random bits: what is mailed. Only [`Self::hash`] is stored.
///
/// As input it is any text of at most 256 characters: one that was never given out is simply unknown.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, max_length = 256, example = "Zk3yJ0h1S5u6b0Jw1cXv7m0m2Q4h8s9t0uVwXyZaBcD")]
pub struct OneTimeToken(String);

impl OneTimeToken {
    /// A new one.
    pub fn generate() -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(Self(BASE64URL_NOPAD.encode(&secret)))
    }

    /// SHA-256: there is nothing to guess in 256 random bits, so no key and no salt.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.0.as_bytes()).as_ref().to_vec()
    }

    /// The secret itself, for the mail.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTimeToken")
    }
}

impl TryFrom<String> for OneTimeToken {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        if raw.chars().count() <= 256 { Ok(Self(raw)) } else { Err("a token has at most 256 characters") }
    }
}

/// Six random digits, for those who read their mail on another device.
pub fn six_digits() -> anyhow::Result<String> {
    loop {
        let mut bytes = [0; 4];
        SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        let number = u32::from_be_bytes(bytes);
        // The last, incomplete million would make some digits likelier.
        if number < u32::MAX - u32::MAX % 1_000_000 {
            return Ok(format!("{:06}", number % 1_000_000));
        }
    }
}
