//! Signs a user in without a proof of identity, for developers. It is no part of a function, so it is never deployed.

use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use ring::rand::{SecureRandom, SystemRandom};
use shared::{
    AppState,
    crypto::access_token::Signer,
    domain::{actor::RequestInfo, factor::Factor, ids::SessionId, input::Email},
    store::{self, sessions::NewSession},
};
use uuid::Uuid;

/// The settings that it needs.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_SECRET", "JWT_PUBLIC_KEYS"];

/// Opens a session for the user with this address, and returns its access token.
///
/// The session has no refresh token. It counts as one with a passkey, so that it is enough where a second factor is needed.
pub async fn sign_in(app: &AppState, email: &str) -> anyhow::Result<String> {
    let email = Email::try_from(email.to_owned()).map_err(|why| anyhow!("{email}: {why}"))?;
    let signer = Signer::new(app.secrets.clone(), Arc::new(app.config.tokens.clone()));
    let request = RequestInfo {
        id: Uuid::now_v7().to_string(),
        address: None,
        path: String::new(),
        user_agent: Some("cargo xtask token".to_owned()),
    };
    // Random, so no token has this hash.
    let mut hash = [0; 32];
    ensure!(SystemRandom::new().fill(&mut hash).is_ok(), "no random bytes");
    let session = SessionId::new();
    let (user, now) = app
        .db
        .transaction_as(async |tx| {
            let user = store::users::lock_by_email(tx, &email).await?;
            let user = user.with_context(|| {
                format!("no account has the address {}, or it is suspended", email.as_ref())
            })?;
            let ends_at = tx.now() + app.config.tokens.session_limit;
            let new = NewSession {
                id: session,
                user: user.id,
                refresh_token_hash: &hash,
                transport: "body",
                factors: &[Factor::Passkey],
                request: &request,
                expires_at: ends_at.min(tx.now() + app.config.tokens.refresh_expiry),
                ends_at,
            };
            store::sessions::insert(tx, &new).await?;
            Ok((user.id, tx.now()))
        })
        .await?;
    signer.sign(user, session, now).await
}
