//! An administrator of the whole system. A handler that asks for [`Administrator`] has one or was refused.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::{Caller, caller::UNAUTHENTICATED};
use crate::{
    ApiError, AppState, Refusal,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
    },
    store,
};

/// Said to everyone else who is signed in.
pub const ADMINISTRATOR_NEEDED: Refusal =
    Refusal::forbidden("administrator-needed", "Only administrators of the system may do this.");

/// Someone who administers the system, in a session that is alive.
pub struct Administrator(pub Caller);

impl Administrator {
    /// Makes sure that the caller still is one, before anything is done to `target`, and that nobody else changes either of them
    /// before this transaction ends: of two administrators who dismiss each other one comes too late.
    pub async fn hold(&self, tx: &mut Tx, target: UserId) -> Result<(), ApiError> {
        let held = store::users::hold_both(tx, self.0.user, target).await?;
        if held { Ok(()) } else { Err(ADMINISTRATOR_NEEDED.into()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Administrator
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let request = RequestInfo::from_request_parts(parts, state).await?;
        let state = AppState::from_ref(state);
        let now = state.clock.now();
        let is_one = state
            .db
            .transaction(async |tx| -> anyhow::Result<_> {
                let user = store::users::find(tx, caller.user).await?;
                if user.as_ref().is_some_and(|user| !user.system_administrator) {
                    let event = Event::new(Action::AccessDenied, caller.user, &request);
                    store::audit_events::insert(tx, &event.through(caller.session).denied(), now).await?;
                }
                Ok(user.map(|user| user.system_administrator))
            })
            .await?;
        match is_one {
            Some(true) => Ok(Self(caller)),
            Some(false) => Err(ADMINISTRATOR_NEEDED.into()),
            None => Err(UNAUTHENTICATED.into()),
        }
    }
}
