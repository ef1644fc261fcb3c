//! `/v1/auth/magic-links`: sign-in with a mailed link, or with the code beside it.

pub mod create;
pub mod verify;

use ring::hmac;
use shared::domain::ids::UserId;

use crate::AuthState;

/// Returns the stored hash of the six digits mailed to `user`. It is keyed, because all plain hashes of six digits are computed
/// in a moment.
pub async fn code_hash(state: &AuthState, user: UserId, code: &str) -> anyhow::Result<Vec<u8>> {
    let text = format!("magic-link\n{user}\n{code}");
    Ok(hmac::sign(&state.session_key().await?, text.as_bytes()).as_ref().to_vec())
}
