//! `DELETE /v1/auth/me`

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use shared::{
    ApiError,
    accounts::departure,
    auth::{Actor, Caller},
    domain::{audit::Action, changes::ChangedFields},
    http::{
        etag::{IfMatch, STALE},
        extract::OptionalBody,
    },
    store::{self, verification_tokens::Purpose},
};

use crate::{
    AuthState,
    password::reauthenticate::{Reauthentication, lock_proved, reauthenticate},
    sessions::cookie,
};

/// Delete my account.
///
/// Ends all sessions. Leaves all organizations, and deletes those that have no other member. A new account can use the address at
/// once.
#[utoipa::path(
    delete, path = "/v1/auth/me", tag = "auth", operation_id = "delete_me",
    params(IfMatch),
    request_body(content = Option<Reauthentication>), security(("bearer" = [])),
    responses(
        (status = 204, description = "The account is deleted."),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`wrong-password` or `second-factor-needed`"),
        (status = 409, description = "`last-owner`"),
    ),
)]
pub async fn delete(
    State(state): State<AuthState>,
    caller: Caller,
    IfMatch(versions): IfMatch,
    OptionalBody(proof): OptionalBody<Reauthentication>,
) -> Result<impl IntoResponse, ApiError> {
    let expected_hash = reauthenticate(&state, &caller, proof).await?;
    let (id, versions) = (caller.user, versions.as_deref());
    caller
        .transaction(async |tx| {
            lock_proved(tx, &caller, expected_hash.as_deref()).await?;
            if !store::users::delete(tx, id, versions).await? {
                return Err(STALE.into());
            }
            let event = caller.event(Action::UserDeleted);
            departure::leave_organizations(tx, id, &event).await?;
            store::verification_tokens::withdraw(tx, id, Purpose::ALL).await?;
            store::sessions::revoke_all(tx, id, None, "user_deleted").await?;
            let changes = ChangedFields::default().values("deleted", Some(false), Some(true));
            Ok(store::audit_events::insert(tx, &event.with(&changes)).await?)
        })
        .await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear())]))
}
