//! The end of the first step of a sign-in: somebody proved who they are with one factor.

use axum::response::{IntoResponse, Response};
use shared::{
    ApiError,
    db::Tx,
    domain::{actor::RequestInfo, factor::Factor},
    store::users::User,
};

use super::{
    origin::Origin,
    session_tokens::{self, Opened, Opening, Transport},
};
use crate::AuthState;

/// The result of the first step, before the commit.
pub enum FirstStep {
    SignedIn(Opening),
}

/// The response to the first step.
pub enum FirstAnswer {
    SignedIn(Opened),
}

/// Goes on after `user` proved who they are with `factor`: signs in.
pub async fn complete(
    state: &AuthState,
    tx: &mut Tx,
    user: User,
    factor: Factor,
    transport: Transport,
    request: &RequestInfo,
    origin: &Origin,
) -> Result<FirstStep, ApiError> {
    let opening = session_tokens::sign_in(state, tx, user, &[factor], transport, request, origin).await?;
    Ok(FirstStep::SignedIn(opening))
}

impl FirstStep {
    /// Does what follows the commit.
    pub async fn committed(self, state: &AuthState) -> FirstAnswer {
        match self {
            Self::SignedIn(opening) => FirstAnswer::SignedIn(opening.committed(state).await),
        }
    }
}

impl IntoResponse for FirstAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::SignedIn(opened) => opened.into_response(),
        }
    }
}
