//! Limits of how often a secret may be guessed, and how often something costly may be requested.

mod attempts;
mod mails;
mod requests;

use data_encoding::HEXLOWER;
use ring::hmac;
use shared::ApiError;

use crate::AuthState;

pub use attempts::{Attempt, Guesser, attempt, may_guess_code};
pub use mails::{may_mail, may_notify, may_notify_of_password, may_notify_of_sign_in};
pub use requests::{request, request_of_user};

/// Returns the keyed hash that stands for an account in a key. `account` is an address or an id.
async fn pseudonym(state: &AuthState, account: &str) -> Result<String, ApiError> {
    let mac = hmac::sign(&state.session_key().await?, account.to_lowercase().as_bytes());
    Ok(HEXLOWER.encode(&mac.as_ref()[..16]))
}
