//! The seed of an authenticator app, and its codes (RFC 6238): six digits, a new one every 30 s.

use anyhow::Context;
use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use ring::rand::{SecureRandom, SystemRandom};
use shared::{domain::ids::UserId, store::totp_factors::seal_context};
use totp_rs::{Builder, Secret};
use url::form_urlencoded;

use crate::AuthState;

/// 160 bits, as RFC 4226 recommends (section 4).
const LEN: usize = 20;
/// Apps show it with the code.
const ISSUER: &str = "Arches";

/// The secret that the app and the server share.
pub struct Seed([u8; LEN]);

impl Seed {
    /// Generates a random seed.
    pub fn generate() -> anyhow::Result<Self> {
        let mut bytes = [0; LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(Self(bytes))
    }

    /// Encrypts the seed for `user`. It cannot be decrypted for another user.
    pub async fn seal(&self, state: &AuthState, user: UserId) -> anyhow::Result<Vec<u8>> {
        state.app.sealer.seal(&seal_context(user), self.0.to_vec()).await
    }

    /// Decrypts the seed of `user`.
    pub async fn open(state: &AuthState, user: UserId, sealed: &[u8]) -> anyhow::Result<Self> {
        let plain = state.app.sealer.open(&seal_context(user), sealed).await?;
        let plain = plain.context("a seed cannot be decrypted: its key was removed")?;
        let bytes = plain.try_into().map_err(|_| anyhow::anyhow!("a seed has another length"))?;
        Ok(Self(bytes))
    }

    /// Returns the seed as apps take it: base32 without padding.
    pub fn secret(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Returns the address that an app reads from a QR code.
    pub fn uri(&self, email: &str) -> String {
        let (secret, email) = (self.secret(), form_urlencoded::byte_serialize(email.as_bytes()));
        let label: String = email.collect();
        format!(
            "otpauth://totp/{ISSUER}:{label}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30"
        )
    }

    /// Returns the step of `code`, if it is the code of now, or of the step before or after: clocks differ.
    pub fn step_of(&self, code: &str, now: DateTime<Utc>) -> anyhow::Result<Option<i64>> {
        // Apps show a space in the middle.
        let code: String = code.split_whitespace().collect();
        // SHA-1, six digits, 30 s, one step of tolerance: every app knows these.
        let totp = Builder::new().with_secret(Secret::new_stack(self.0)).build();
        let totp = totp.map_err(|error| anyhow::anyhow!("a seed makes no codes: {error}"))?;
        let step = totp.check(&code, now.timestamp().try_into()?);
        Ok(step.map(i64::try_from).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed(*b"12345678901234567890");

    fn step_of(code: &str, seconds: i64) -> Option<i64> {
        let now = DateTime::from_timestamp(seconds, 0).expect("a time");
        SEED.step_of(code, now).expect("a valid seed")
    }

    /// RFC 6238, appendix B, the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(code, seconds), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn a_code_is_valid_one_step_before_and_after() {
        let code = "050471";
        let step = 1_111_111_111 / 30;
        for (seconds, valid) in [(-31, false), (-30, true), (0, true), (59, true), (60, false)] {
            let found = step_of(code, step * 30 + seconds);
            assert_eq!(found, valid.then_some(step), "{seconds}");
        }
    }

    #[test]
    fn a_text_that_is_not_six_digits_is_wrong() {
        assert_eq!(step_of("050 471", 1_111_111_111), Some(1_111_111_111 / 30));
        for code in ["", "50471", "0504711", "+50471", "05047l", "٠٥٠٤٧١"] {
            assert_eq!(step_of(code, 1_111_111_111), None, "{code}");
        }
    }

    #[test]
    fn an_app_can_read_the_address_of_any_account() {
        let uri = url::Url::parse(&SEED.uri("a%b+c@example.com")).expect("a URL");
        assert_eq!(uri.path(), "/Arches:a%25b%2Bc%40example.com");
        assert_eq!(uri.host_str(), Some("totp"));
        let query: Vec<_> = uri.query_pairs().into_owned().collect();
        assert!(query.contains(&("secret".to_owned(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned())));
    }
}
