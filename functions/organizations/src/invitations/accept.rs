//! `POST /v1/invitations/accept`

use axum::Json;
use shared::{
    ApiError,
    accounts::invitation::{self, Invited},
    auth::{Actor, Caller},
    domain::page::Data,
    http::extract::Body,
};

use super::InvitationAnswer;
use crate::organization::OrganizationView;

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
    caller: Caller,
    Body(answer): Body<InvitationAnswer>,
) -> Result<Json<Data<OrganizationView>>, ApiError> {
    let organization =
        caller.transaction(async |tx| invitation::accept(tx, &Invited::from(&caller), &answer.token).await);
    Ok(Json(Data { data: organization.await?.into() }))
}
