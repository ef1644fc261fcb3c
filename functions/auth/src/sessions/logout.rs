//! `POST /v1/auth/logout`

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

/// End this session.
#[utoipa::path(
    post, path = "/v1/auth/logout", tag = "auth", operation_id = "logout", security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended, and its access tokens with it."),
    ),
)]
pub async fn logout(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
) -> Result<impl IntoResponse, ApiError> {
    let now = state.app.clock.now();
    state
        .app
        .db
        .transaction(async |tx| -> anyhow::Result<()> {
            store::sessions::revoke(tx, caller.user, caller.session, "logout", now).await?;
            let event = Event::new(Action::SessionRevoked, caller.user, &request)
                .through(caller.session)
                .to(caller.session.0);
            Ok(store::audit_events::insert(tx, &event, now).await?)
        })
        .await?;
    session::forget(&state.app, &[caller.session]).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear())]))
}
