//! Second factors: what a sign-in asks for after the first proof. An authenticator app, recovery codes for when it is lost, and passkeys.

pub mod mails;
pub mod recovery_codes;
mod seed;
pub mod totp;

use chrono::{DateTime, Utc};
use shared::{
    ApiError,
    auth::Actor,
    cache::rate_limit::subject,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        factor::Factor,
        ids::{SessionId, UserId},
    },
    store,
};

use self::{recovery_codes::code_hash, seed::Seed};
use crate::{
    AuthState, refusals,
    throttle::{self, Attempt, Guesser},
};

/// A second factor as a request gives it.
pub enum Given {
    /// The code that the app shows.
    Code(String),
    RecoveryCode(String),
    /// The code of a passkey that `oauth` has verified.
    PasskeyCode(OneTimeToken),
}

impl Given {
    /// Refuses a request that gives several, or none.
    pub fn one_of(
        code: Option<String>,
        recovery_code: Option<String>,
        passkey_code: Option<OneTimeToken>,
    ) -> Result<Self, ApiError> {
        match (code, recovery_code, passkey_code) {
            (Some(code), None, None) => Ok(Self::Code(code)),
            (None, Some(code), None) => Ok(Self::RecoveryCode(code)),
            (None, None, Some(code)) => Ok(Self::PasskeyCode(code)),
            _ => Err(refusals::CODE_OR_RECOVERY_CODE.into()),
        }
    }

    /// Parses the text of a form that takes both. A code of the app has digits only; a recovery code is longer.
    pub fn parse(text: &str) -> Self {
        let digits = text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace());
        if digits { Self::Code(text.to_owned()) } else { Self::RecoveryCode(text.to_owned()) }
    }
}

/// A second factor that was compared with what the user has. It is not used up yet.
pub enum Checked {
    /// The code of this step.
    Totp(i64),
    /// Perhaps one of the recovery codes: with this keyed hash.
    RecoveryCode(Vec<u8>),
    /// Perhaps the code of one of the passkeys: with this hash.
    PasskeyCode(Vec<u8>),
    Wrong,
}

/// A second factor that is used up.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    pub factor: Factor,
    /// The number of recovery codes that are left, if it was one.
    pub codes_left: Option<i64>,
}

/// Compares `given` with what `user` has.
pub async fn check(
    state: &AuthState,
    actor: &impl Actor,
    user: UserId,
    given: &Given,
) -> Result<Checked, ApiError> {
    let code = match given {
        Given::RecoveryCode(code) => {
            return Ok(Checked::RecoveryCode(code_hash(state, user, code).await?));
        }
        Given::PasskeyCode(code) => return Ok(Checked::PasskeyCode(code.hash())),
        Given::Code(code) => code,
    };
    let app = actor.read(async |tx| Ok(store::totp_factors::find(tx, user).await?)).await?;
    let Some(app) = app.filter(|app| app.confirmed) else { return Ok(Checked::Wrong) };
    let seed = Seed::open(state, user, &app.sealed).await?;
    Ok(seed.step_of(code, state.app.clock.now())?.map_or(Checked::Wrong, Checked::Totp))
}

impl Checked {
    /// Uses it up, for the locked `user`. `None` if it is wrong, or was used before.
    pub async fn consume(&self, tx: &mut Tx, user: UserId) -> Result<Option<Used>, ApiError> {
        Ok(match self {
            Self::Totp(step) => {
                let is_new = store::totp_factors::consume(tx, user, *step).await?;
                is_new.then_some(Used { factor: Factor::Totp, codes_left: None })
            }
            Self::RecoveryCode(hash) => {
                let left = store::recovery_codes::consume(tx, user, hash).await?;
                left.map(|left| Used { factor: Factor::RecoveryCode, codes_left: Some(left) })
            }
            Self::PasskeyCode(hash) => {
                let is_new = store::passkey_ceremonies::exchange(tx, user, hash).await?;
                is_new.then_some(Used { factor: Factor::Passkey, codes_left: None })
            }
            Self::Wrong => None,
        })
    }
}

/// Records that `user` used a recovery code.
pub async fn audit_used(
    tx: &mut Tx,
    user: UserId,
    spent: Used,
    request: &RequestInfo,
) -> Result<(), ApiError> {
    if spent.codes_left.is_some() {
        let event = Event::new(Action::RecoveryCodeUsed, user, request);
        store::audit_events::insert(tx, &event).await?;
    }
    Ok(())
}

/// Counts an attempt at the second factor of the user of `session`, or refuses it.
pub async fn attempt(state: &AuthState, user: UserId, session: SessionId) -> Result<Attempt, ApiError> {
    throttle::attempt(state, &format!("second-factor:{user}"), Guesser::Session(session)).await
}

/// Counts an attempt at the second factor that a user has since a time, or refuses it. Recovery codes and those of passkeys are too
/// long to be guessed, so wrong ones from other sources do not keep their owner out.
pub async fn attempt_at_sign_in(
    state: &AuthState,
    (user, since): (UserId, DateTime<Utc>),
    given: &Given,
    guesser: Guesser<'_>,
) -> Result<Attempt, ApiError> {
    let account = match (given, guesser) {
        (Given::RecoveryCode(_) | Given::PasskeyCode(_), Guesser::Source(request)) => {
            format!("recovery-code:{user}:{}", subject(request.address))
        }
        _ => format!("second-factor:{user}:{}", since.timestamp()),
    };
    throttle::attempt(state, &account, guesser).await
}
