//! `DELETE /v1/auth/me`

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use shared::{
    ApiError, account,
    audit::{Action, Event},
    auth::{Caller, caller::UNAUTHENTICATED, session},
    etag::{IfMatch, STALE},
    extract::OptionalBody,
    http::RequestInfo,
    store::{self, verification_tokens::Purpose},
};

use crate::{
    AuthState, cookie,
    reauthenticate::{Reauthentication, reauthenticate},
};

/// Delete my account.
///
/// Ends all sessions, leaves all organizations, and deletes those that nobody else belongs to. The address is free for a new account at
/// once.
#[utoipa::path(
    delete, path = "/v1/auth/me", tag = "auth", operation_id = "delete_me",
    params(IfMatch),
    request_body(content = Option<Reauthentication>), security(("bearer" = [])),
    responses(
        (status = 204, description = "The account is deleted."),
        (status = 403, description = "`wrong-password` or `reauthentication-required`"),
        (status = 409, description = "`last-owner`"),
    ),
)]
pub async fn delete(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
    IfMatch(version): IfMatch,
    OptionalBody(proof): OptionalBody<Reauthentication>,
) -> Result<impl IntoResponse, ApiError> {
    let now = state.app.clock.now();
    let seen = reauthenticate(&state, &caller, proof, &request).await?;
    let ended = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            if !store::users::delete(tx, caller.user, version, seen.as_deref(), now).await? {
                return Err(if version.is_some() { STALE.into() } else { UNAUTHENTICATED.into() });
            }
            let event = Event::new(Action::UserDeleted, caller.user, &request).through(caller.session);
            account::leave_organizations(tx, caller.user, &event, now).await?;
            store::verification_tokens::withdraw(tx, caller.user, Purpose::ALL, now).await?;
            let ended = store::sessions::revoke_all(tx, caller.user, None, "user_deleted", now).await?;
            store::audit_events::insert(tx, &event, now).await?;
            Ok(ended)
        })
        .await?;
    session::forget(&state.app, &ended).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear())]))
}
