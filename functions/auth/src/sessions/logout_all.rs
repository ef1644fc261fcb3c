//! `POST /v1/auth/logout-all`

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use shared::{
    ApiError,
    auth::{Caller, session},
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
    },
    store,
};

use crate::{AuthState, sessions::cookie};

/// End all sessions, this one too.
#[utoipa::path(
    post, path = "/v1/auth/logout-all", tag = "auth", operation_id = "logout_all", security(("bearer" = [])),
    responses(
        (status = 204, description = "All sessions have ended, and their access tokens with them."),
    ),
)]
pub async fn logout_all(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
) -> Result<impl IntoResponse, ApiError> {
    let now = state.app.clock.now();
    let ended = state
        .app
        .db
        .transaction(async |tx| -> anyhow::Result<_> {
            let ended = store::sessions::revoke_all(tx, caller.user, None, "logout_all", now).await?;
            let event = Event::new(Action::SessionRevoked, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(ended)
        })
        .await?;
    session::forget(&state.app, &ended).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear())]))
}
