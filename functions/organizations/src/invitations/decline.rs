//! `POST /v1/invitations/decline`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::Caller,
    extract::Body,
    http::RequestInfo,
    invitation::{self, Invited},
};

use super::InvitationAnswer;
use crate::OrganizationsState;

/// Do not join the organization that invited me.
#[utoipa::path(
    post, path = "/v1/invitations/decline", tag = "organizations", operation_id = "decline_invitation",
    request_body = InvitationAnswer, security(("bearer" = [])),
    responses(
        (status = 204, description = "The invitation can no longer be accepted."),
        (status = 422, description = "`invalid-token`"),
        (status = 403, description = "`wrong-address`"),
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
        .transaction(async |tx| {
            let who = Invited { user: caller.user, session: Some(caller.session), request: &request };
            invitation::decline(tx, &who, &given.token, now).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
