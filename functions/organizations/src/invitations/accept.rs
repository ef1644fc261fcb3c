//! `POST /v1/invitations/accept`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::Caller,
    extract::Body,
    http::RequestInfo,
    invitation::{self, Invited},
    page::Data,
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
        (status = 422, description = "`invalid-token`"),
        (status = 403, description = "`wrong-address`"),
        (status = 409, description = "`already-member`"),
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
