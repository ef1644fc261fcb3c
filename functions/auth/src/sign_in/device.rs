//! A known device: one from which the account was signed in to before. Wrong passwords of others do not keep it out (OWASP, Slow Down
//! Online Guessing Attacks with Device Cookies), and no mail is sent about its sign-ins. It signs nobody in.
//!
//! Nothing is stored: the token is signed, and bound to the address of the account.

use axum::http::HeaderValue;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use shared::store::users::User;

use super::origin::Origin;
use crate::{AuthState, sessions::cookie::DEVICE};

/// The time for which a device stays known after a sign-in.
const LIFETIME: TimeDelta = TimeDelta::days(365);
const PREFIX: &str = "dt_";
/// The end of the lifetime, a Unix time in seconds, before the random id.
const EXPIRY_LEN: usize = 8;
const ID_LEN: usize = 16;

/// A known device of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    id: [u8; ID_LEN],
    /// The time of the last sign-in from it, a Unix time in seconds.
    signed_in_at: i64,
}

impl Device {
    /// Returns the text that names the device.
    pub fn id(&self) -> String {
        HEXLOWER.encode(&self.id)
    }

    /// Returns the device of `origin`; `None` if the account with `email` does not know it.
    pub async fn read(state: &AuthState, email: &str, origin: &Origin) -> anyhow::Result<Option<Self>> {
        let Some(token) = origin.device_token() else { return Ok(None) };
        let (key, now) = (state.session_key().await?, state.app.clock.now());
        Ok(verify(&key, email, token, now))
    }

    /// Checks whether `user` signed in from the device since the account exists, and since its password was changed or removed.
    pub fn is_known_to(&self, user: &User) -> bool {
        let since = user.devices_forgotten_at.map_or(user.created_at, |at| at.max(user.created_at));
        self.signed_in_at >= since.timestamp()
    }

    /// Checks whether the last sign-in from the device was after `time`.
    pub fn has_signed_in_after(&self, time: DateTime<Utc>) -> bool {
        self.signed_in_at > time.timestamp()
    }
}

/// The token of a device that becomes or stays known by a sign-in.
pub struct DeviceToken(String);

impl DeviceToken {
    /// Creates the token of `known`, or else of a new device, for the account with `email`. A known device keeps its id, so it has one
    /// count of wrong passwords however often it signs in.
    pub async fn create(
        state: &AuthState,
        email: &str,
        known: Option<&Device>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let id = known.map_or_else(random_id, |device| Ok(device.id))?;
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

fn random_id() -> anyhow::Result<[u8; ID_LEN]> {
    let mut id = [0; ID_LEN];
    SystemRandom::new().fill(&mut id).map_err(|_| anyhow::anyhow!("no random bytes"))?;
    Ok(id)
}

fn sign(key: &hmac::Key, email: &str, id: [u8; ID_LEN], expires_at: DateTime<Utc>) -> String {
    let mut token = expires_at.timestamp().to_be_bytes().to_vec();
    token.extend(id);
    let tag = hmac::sign(key, &signed_text(email, &token));
    token.extend(tag.as_ref());
    format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&token))
}

/// Returns the device of `token`, if it is signed for `email` and has not expired.
fn verify(key: &hmac::Key, email: &str, token: &str, now: DateTime<Utc>) -> Option<Device> {
    let bytes = BASE64URL_NOPAD.decode(token.strip_prefix(PREFIX)?.as_bytes()).ok()?;
    let (content, tag) = bytes.split_at_checked(EXPIRY_LEN + ID_LEN)?;
    hmac::verify(key, &signed_text(email, content), tag).ok()?;
    let (expiry, id) = content.split_at_checked(EXPIRY_LEN)?;
    let expires_at = i64::from_be_bytes(expiry.try_into().ok()?);
    let device = Device { id: id.try_into().ok()?, signed_in_at: expires_at - LIFETIME.num_seconds() };
    (now.timestamp() < expires_at).then_some(device)
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
        let device = Device { id: [1; ID_LEN], signed_in_at: now.timestamp() };
        assert_eq!(verify(&key, "ada@EXAMPLE.com", &token, now), Some(device));
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
