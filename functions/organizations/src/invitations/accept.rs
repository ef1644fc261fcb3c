//! `POST /v1/invitations/accept`

use axum::{Json, extract::State};
use shared::{
    ApiError, OnConstraint,
    audit::{Action, Event},
    auth::Caller,
    error::Problem,
    extract::Body,
    http::RequestInfo,
    page::Data,
    store::{self, invitations::Status},
};

use super::{InvitationAnswer, answer};
use crate::{OrganizationsState, organization::OrganizationView, refusals};

/// Join the organization that invited me.
///
/// The token alone is not enough: the caller's address must be the one it was mailed to, and proved.
#[utoipa::path(
    post, path = "/v1/invitations/accept", tag = "organizations", operation_id = "accept_invitation",
    request_body = InvitationAnswer, security(("bearer" = [])),
    responses(
        (status = 200, description = "The organization I belong to now.", body = Data<OrganizationView>),
        (status = 403, description = "`wrong-address`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`already-member`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn accept(
    State(state): State<OrganizationsState>,
    caller: Caller,
    request: RequestInfo,
    Body(given): Body<InvitationAnswer>,
) -> Result<Json<Data<OrganizationView>>, ApiError> {
    let now = state.app.clock.now();
    let organization = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let invitation = answer(tx, &caller, &given.token, Status::Accepted, now).await?;
            let id = invitation.organization_id;
            store::members::insert(tx, id, caller.user, invitation.role, now)
                .await
                .on_constraint("members_pkey", refusals::ALREADY_MEMBER)?;
            let event = Event::new(Action::InvitationAccepted, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event.within(id).to(invitation.id.0), now).await?;
            let organization = store::organizations::find(tx, id).await?;
            organization.ok_or_else(|| refusals::INVALID_TOKEN.at("/token"))
        })
        .await?;
    Ok(Json(Data { data: organization.into() }))
}
