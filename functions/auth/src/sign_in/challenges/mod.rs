//! `/v1/auth/challenges`: sign-ins that wait for the second factor.

pub mod verify;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{actor::RequestInfo, factor::Factor},
    store::{self, sign_in_challenges::NewChallenge, users::User},
};
use utoipa::ToSchema;

/// What a second factor can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// A code of the authenticator app: `code`.
    Totp,
    /// A recovery code: `recoveryCode`.
    RecoveryCode,
    /// A passkey of the account: `passkeyCode`.
    Passkey,
}

/// A sign-in that waits for the second factor. Send it with the token to `/v1/auth/challenges/verify`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Works once, and only together with a second factor.
    #[schema(min_length = 43, max_length = 43)]
    pub token: String,
    /// What the second factor can be.
    #[schema(min_items = 1, max_items = 8)]
    methods: Vec<SecondFactor>,
    /// The token works before this time, and for five wrong codes.
    expires_at: DateTime<Utc>,
}

/// The first step of a sign-in to an account that has a second factor. There is no session yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeNeeded {
    /// The second step.
    pub challenge: Challenge,
}

/// Begins the second step of the sign-in of `user`, who proved `first_factor`.
pub async fn begin(
    tx: &mut Tx,
    user: &User,
    first_factor: Factor,
    request: &RequestInfo,
) -> Result<ChallengeNeeded, ApiError> {
    let token = OneTimeToken::generate()?;
    let new = NewChallenge { user: user.id, token_hash: &token.hash(), first_factor, request };
    let inserted = store::sign_in_challenges::insert(tx, &new).await?;
    let recovery = inserted.has_recovery_codes.then_some(SecondFactor::RecoveryCode);
    let passkey = inserted.has_passkey.then_some(SecondFactor::Passkey);
    let methods = [SecondFactor::Totp].into_iter().chain(recovery).chain(passkey).collect();
    let challenge = Challenge { token: token.reveal().to_owned(), methods, expires_at: inserted.expires_at };
    Ok(ChallengeNeeded { challenge })
}
