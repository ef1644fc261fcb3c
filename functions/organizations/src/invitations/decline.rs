//! `POST /v1/invitations/decline`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::Caller,
    error::Problem,
    extract::Body,
    http::RequestInfo,
    store::{self, invitations::Status},
};

use super::{InvitationAnswer, answer};
use crate::OrganizationsState;

/// Do not join the organization that invited me.
#[utoipa::path(
    post, path = "/v1/invitations/decline", tag = "organizations", operation_id = "decline_invitation",
    request_body = InvitationAnswer, security(("bearer" = [])),
    responses(
        (status = 204, description = "The invitation can no longer be accepted."),
        (status = 403, description = "`wrong-address`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn decline(
    State(state): State<OrganizationsState>,
    caller: Caller,
    request: RequestInfo,
    Body(given): Body<InvitationAnswer>,
) -> Result<StatusCode, ApiError> {
    let now = state.app.clock.now();
    state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let invitation = answer(tx, &caller, &given.token, Status::Declined, now).await?;
            let event = Event::new(Action::InvitationDeclined, caller.user, &request).through(caller.session);
            let event = event.within(invitation.organization_id).to(invitation.id.0);
            Ok(store::audit_events::insert(tx, &event, now).await?)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
