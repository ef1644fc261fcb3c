//! An administrator of the whole system. A handler that asks for [`Administrator`] has one or was refused.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::{Caller, caller::UNAUTHENTICATED};
use crate::{
    ApiError, AppState, Refusal,
    audit::{Action, Event},
    http::RequestInfo,
    store,
};

/// Said to everyone else who is signed in.
pub const ADMINISTRATOR_NEEDED: Refusal =
    Refusal::forbidden("administrator-needed", "Only administrators of the system may do this.");

/// Someone who administers the system, in a session that is alive.
pub struct Administrator(pub Caller);

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
