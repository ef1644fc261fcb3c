//! Limits of requests for something costly, such as a mail or an export. They use up no guesses.

use std::time::Duration;

use shared::{
    ApiError,
    cache::rate_limit::{Counts, Limit, subject},
    domain::{actor::RequestInfo, ids::UserId},
};

use super::pseudonym;
use crate::{AuthState, refusals};

const WINDOW: Duration = Duration::from_mins(15);
/// Requests of one kind in the name of one account: of one source, or of its user.
const REQUESTS_PER_ACCOUNT: Limit = Limit { name: "requests-by-account", max: 10, window: WINDOW };
/// Anonymous requests of one source, for all accounts together.
const REQUESTS_PER_SOURCE: Limit = Limit { name: "requests-by-source", max: 100, window: WINDOW };

/// Counts an anonymous request for something costly in the name of `account`, and refuses it if there were too many.
pub async fn request(
    state: &AuthState,
    kind: &str,
    account: &str,
    request: &RequestInfo,
) -> Result<Counts, ApiError> {
    let source = subject(request.address);
    let account = format!("{kind}:{}:{source}", pseudonym(state, account).await?);
    take(state, &[(REQUESTS_PER_ACCOUNT, account), (REQUESTS_PER_SOURCE, source)]).await
}

/// Counts a request of a signed-in user for something costly, and refuses it if there were too many. Users behind one address do
/// not share this limit.
pub async fn request_of_user(state: &AuthState, kind: &str, user: UserId) -> Result<(), ApiError> {
    let account = format!("{kind}:{}", pseudonym(state, &user.to_string()).await?);
    take(state, &[(REQUESTS_PER_ACCOUNT, account)]).await.map(drop)
}

async fn take(state: &AuthState, limits: &[(Limit, String)]) -> Result<Counts, ApiError> {
    let (counts, reached) = state.app.rate_limiter.take(limits, state.app.clock.now()).await;
    match reached {
        Some(reached) => Err(refusals::TOO_MANY_ATTEMPTS.reached(reached)),
        None => Ok(counts),
    }
}
