//! `POST /v1/invitations/accept`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    accounts::invitation::{self, Invited},
    auth::Caller,
    domain::{actor::RequestInfo, page::Data},
    error::Problem,
    http::extract::Body,
};

use super::InvitationAnswer;
use crate::{OrganizationsState, organization::OrganizationView};

/// Join the organization that invited me.
///
/// The token alone is not enough: the caller's address must be the one it was mailed to, and proved.
#[utoipa::path(
    post, path = "/v1/invitations/accept", tag = "organizations", operation_id = "accept_invitation",
    request_body = InvitationAnswer, security(("bearer" = [])),
    responses(
        (status = 200, description = "The organization I belong to now.", body = Data<OrganizationView>),
        (status = 422, description = "`invalid-token`", body = Problem, content_type = "application/problem+json"),
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
        .transaction(async |tx| {
            let who = Invited { user: caller.user, session: Some(caller.session), request: &request };
            invitation::accept(tx, &who, &given.token, now).await
        })
        .await?;
    Ok(Json(Data { data: organization.into() }))
}
