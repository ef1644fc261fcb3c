//! `/v1/auth/magic-links`: signing in with what was mailed.

pub mod create;
pub mod verify;

use ring::hmac;
use shared::domain::ids::UserId;

use crate::AuthState;

/// What is stored of the six digits mailed to `user`: keyed, because a million hashes are soon tried.
async fn code_hash(state: &AuthState, user: UserId, code: &str) -> anyhow::Result<Vec<u8>> {
    let text = format!("magic-link\n{user}\n{code}");
    Ok(hmac::sign(&state.session_key().await?, text.as_bytes()).as_ref().to_vec())
}
