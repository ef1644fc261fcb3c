//! The end of the first step of a sign-in: somebody proved who they are with one factor.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shared::{
    ApiError,
    db::Tx,
    domain::{actor::RequestInfo, factor::Factor, page::Data},
    store::users::User,
};

use super::{
    challenges::{self, ChallengeNeeded},
    origin::Origin,
    session_tokens::{self, Opened, Opening, Transport},
};
use crate::AuthState;

/// The result of the first step, before the commit.
pub enum FirstStep {
    SignedIn(Box<Opening>),
    ChallengeNeeded(ChallengeNeeded),
}

/// The response to the first step.
pub enum FirstAnswer {
    SignedIn(Box<Opened>),
    ChallengeNeeded(ChallengeNeeded),
}

/// Goes on after `user` proved who they are with `factor`: signs in, or begins the second step if the account has a second factor.
pub async fn complete(
    state: &AuthState,
    tx: &mut Tx,
    user: User,
    factor: Factor,
    transport: Transport,
    request: &RequestInfo,
    origin: &Origin,
) -> Result<FirstStep, ApiError> {
    if user.second_factor_at.is_some() && !factor.counts_as_two() {
        let needed = challenges::begin(tx, &user, factor, request).await?;
        return Ok(FirstStep::ChallengeNeeded(needed));
    }
    let opening = session_tokens::sign_in(state, tx, user, &[factor], transport, request, origin).await?;
    Ok(FirstStep::SignedIn(Box::new(opening)))
}

impl FirstStep {
    /// Does what follows the commit.
    pub async fn committed(self, state: &AuthState) -> FirstAnswer {
        match self {
            Self::SignedIn(opening) => FirstAnswer::SignedIn(Box::new(opening.committed(state).await)),
            Self::ChallengeNeeded(needed) => FirstAnswer::ChallengeNeeded(needed),
        }
    }
}

impl IntoResponse for FirstAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::SignedIn(opened) => opened.into_response(),
            Self::ChallengeNeeded(data) => (StatusCode::OK, Json(Data { data })).into_response(),
        }
    }
}
