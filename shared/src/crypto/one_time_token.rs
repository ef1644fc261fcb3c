//! Secrets that are mailed and can be used once.

use data_encoding::BASE64URL_NOPAD;
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// A token from a mail. A text of at most 256 characters.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, max_length = 256, example = "Zk3yJ0h1S5u6b0Jw1cXv7m0m2Q4h8s9t0uVwXyZaBcD")]
pub struct OneTimeToken(String);

impl OneTimeToken {
    /// Generates a token of 256 random bits.
    pub fn generate() -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(Self(BASE64URL_NOPAD.encode(&secret)))
    }

    /// Returns the SHA-256 that is stored. 256 random bits cannot be guessed, so it needs no key and no salt.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.0.as_bytes()).as_ref().to_vec()
    }

    /// Returns the secret itself, for the mail.
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

/// Generates six random digits, for a user who reads the mail on another device.
pub fn six_digits() -> anyhow::Result<String> {
    loop {
        let mut bytes = [0; 4];
        SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        let number = u32::from_be_bytes(bytes);
        // Skips the last, incomplete million: it would make some results more likely.
        if number < u32::MAX - u32::MAX % 1_000_000 {
            return Ok(format!("{:06}", number % 1_000_000));
        }
    }
}
