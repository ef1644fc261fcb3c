//! A known device: one from which the account was signed in to before. Wrong passwords of others do not keep it out (OWASP, Slow Down
//! Online Guessing Attacks with Device Cookies). It signs nobody in.
//!
//! Nothing is stored: the token is signed, and bound to the address of the account.

use axum::http::HeaderValue;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};

use super::origin::Origin;
use crate::{AuthState, sessions::cookie::DEVICE};

/// The time for which a device stays known after a sign-in.
const LIFETIME: TimeDelta = TimeDelta::days(365);
const PREFIX: &str = "dt_";
/// The end of the lifetime, a Unix time in seconds, before the random id.
const EXPIRY_LEN: usize = 8;
const ID_LEN: usize = 16;

/// A known device of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device([u8; ID_LEN]);

impl Device {
    /// Returns the text that names the device.
    pub fn id(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// Returns the device of `origin`; `None` if the account with `email` does not know it.
    pub async fn read(state: &AuthState, email: &str, origin: &Origin) -> anyhow::Result<Option<Self>> {
        let Some(token) = origin.device_token() else { return Ok(None) };
        let (key, now) = (state.session_key().await?, state.app.clock.now());
        Ok(verify(&key, email, token, now).map(Self))
    }
}

/// The token of a device that becomes known by a sign-in.
pub struct DeviceToken(String);

impl DeviceToken {
    /// Creates the token of a new device for the account with `email`.
    pub async fn create(state: &AuthState, email: &str, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let mut id = [0; ID_LEN];
        SystemRandom::new().fill(&mut id).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(Self(sign(&state.session_key().await?, email, id, now + LIFETIME)))
    }

    /// Returns the token itself, for the client.
    pub fn reveal(self) -> String {
        self.0
    }

    /// Returns the header that sets the cookie.
    pub fn cookie(&self) -> Option<HeaderValue> {
        DEVICE.set(&self.0, LIFETIME.num_seconds())
    }
}

fn sign(key: &hmac::Key, email: &str, id: [u8; ID_LEN], expires_at: DateTime<Utc>) -> String {
    let mut token = expires_at.timestamp().to_be_bytes().to_vec();
    token.extend(id);
    let tag = hmac::sign(key, &signed_text(email, &token));
    token.extend(tag.as_ref());
    format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&token))
}

/// Returns the id in `token`, if it is signed for `email` and has not expired.
fn verify(key: &hmac::Key, email: &str, token: &str, now: DateTime<Utc>) -> Option<[u8; ID_LEN]> {
    let bytes = BASE64URL_NOPAD.decode(token.strip_prefix(PREFIX)?.as_bytes()).ok()?;
    let (content, tag) = bytes.split_at_checked(EXPIRY_LEN + ID_LEN)?;
    hmac::verify(key, &signed_text(email, content), tag).ok()?;
    let (expiry, id) = content.split_at_checked(EXPIRY_LEN)?;
    let expires_at = i64::from_be_bytes(expiry.try_into().ok()?);
    (now.timestamp() < expires_at).then_some(id.try_into().ok()?)
}

/// Returns the text that is signed. The line break separates it from every other text that this key signs: an address has none.
fn signed_text(email: &str, content: &[u8]) -> Vec<u8> {
    [format!("device\n{}\n", email.to_lowercase()).as_bytes(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_known_to_one_account_for_a_year() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let now = DateTime::UNIX_EPOCH;
        let token = sign(&key, "Ada@example.com", [1; ID_LEN], now + LIFETIME);
        assert_eq!(token.len(), 78, "as in the schemas");
        assert_eq!(verify(&key, "ada@EXAMPLE.com", &token, now), Some([1; ID_LEN]));
        let last = now + LIFETIME - TimeDelta::seconds(1);
        assert!(verify(&key, "ada@example.com", &token, last).is_some());
        assert_eq!(verify(&key, "ada@example.com", &token, now + LIFETIME), None);
        assert_eq!(verify(&key, "bob@example.com", &token, now), None);
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]);
        assert_eq!(verify(&other, "ada@example.com", &token, now), None);
    }

    #[test]
    fn a_forged_or_cut_device_token_is_not_known() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let now = DateTime::UNIX_EPOCH;
        let token = sign(&key, "ada@example.com", [1; ID_LEN], now + LIFETIME);
        let later = sign(&key, "ada@example.com", [1; ID_LEN], now + LIFETIME + LIFETIME);
        let mixed = format!("{}{}", &later[..20], &token[20..]);
        for forged in ["", "dt_", "x", &token[1..], &token[..40], &format!("{token}A"), &mixed] {
            assert_eq!(verify(&key, "ada@example.com", forged, now), None, "{forged}");
        }
    }
}
