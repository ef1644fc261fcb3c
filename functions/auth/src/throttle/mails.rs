//! Limits of the mails to one address, from whatever source and for whatever account they are requested.
//!
//! The client does not learn the result: the response is the same, and the links of earlier mails work.

use std::time::Duration;

use shared::{ApiError, cache::rate_limit::Limit, store::verification_tokens::Purpose};

use super::{attempts::failures_key, pseudonym};
use crate::{AuthState, links::throttle_name};

/// Mails of one kind to one address. The links in them live at least as long as this window, so an owner who is flooded with mails
/// has some that work.
const MAILS_OF_A_KIND: Limit = Limit { name: "mails", max: 5, window: Duration::from_mins(15) };
/// Mails of all kinds to one address, except notices.
const MAILS_PER_DAY: Limit = Limit { name: "mails-a-day", max: 20, window: Duration::from_hours(24) };
/// Mails with a link for a new password, beyond those of a day. The link lives as long as this window: so an attacker who uses
/// up the mails of a day cannot keep the owner out.
const RESERVE: Limit = Limit { name: "mails-reserve", max: 1, window: Duration::from_hours(1) };
/// Notices that something was changed. Only who can change something causes them, and no other mail uses them up.
const NOTICES_PER_DAY: Limit = Limit { name: "notices", max: 10, window: Duration::from_hours(24) };

/// Notices of sign-ins from new devices. They use up no other notices: many sign-ins must not hide that the password was changed.
const SIGN_INS_PER_DAY: Limit = Limit { name: "sign-in-notices", max: 10, window: Duration::from_hours(24) };

/// Counts a mail with a link for `purpose` to `email`. Returns whether it may be sent.
pub async fn may_mail(state: &AuthState, purpose: Purpose, email: &str) -> Result<bool, ApiError> {
    let address = pseudonym(state, email).await?;
    let kind = format!("{}:{address}", throttle_name(purpose));
    let limits = [(MAILS_OF_A_KIND, kind), (MAILS_PER_DAY, address.clone())];
    // In this order, so that only mails that are sent use up the day.
    Ok(match state.app.rate_limiter.take_in_order(&limits, state.app.clock.now()).await {
        None => true,
        Some(1) if purpose == Purpose::ResetPassword => take(state, RESERVE, address).await,
        Some(_) => false,
    })
}

/// Counts a notice to `email`. Returns whether it may be sent.
pub async fn may_notify(state: &AuthState, email: &str) -> Result<bool, ApiError> {
    Ok(take(state, NOTICES_PER_DAY, pseudonym(state, email).await?).await)
}

/// Does the same as [`may_notify`] for a sign-in from a new device.
pub async fn may_notify_of_sign_in(state: &AuthState, email: &str) -> Result<bool, ApiError> {
    Ok(take(state, SIGN_INS_PER_DAY, pseudonym(state, email).await?).await)
}

/// Does the same as [`may_notify`] for a new password. Also deletes the count of failures in a row at the account, in the same
/// round trip.
pub async fn may_notify_of_password(state: &AuthState, email: &str) -> Result<bool, ApiError> {
    let account = pseudonym(state, email).await?;
    let (limiter, failures) = (&state.app.rate_limiter, failures_key(state, &account));
    limiter.fallback.reset(&failures);
    let mut commands = redis::pipe();
    commands.del(failures).ignore();
    let limits = [(NOTICES_PER_DAY, account)];
    let (_, reached) = limiter.take_after(commands, &limits, state.app.clock.now()).await;
    Ok(reached.is_none())
}

async fn take(state: &AuthState, limit: Limit, subject: String) -> bool {
    let (_, reached) = state.app.rate_limiter.take(&[(limit, subject)], state.app.clock.now()).await;
    reached.is_none()
}
