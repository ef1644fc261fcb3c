//! `POST /v1/invitations/decline`

use axum::http::StatusCode;
use shared::{
    ApiError,
    accounts::invitation::{self, Invited},
    auth::{Actor, Caller},
    http::extract::Body,
};

use super::InvitationAnswer;

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
pub async fn decline(caller: Caller, Body(answer): Body<InvitationAnswer>) -> Result<StatusCode, ApiError> {
    caller
        .transaction(async |tx| invitation::decline(tx, &Invited::from(&caller), &answer.token).await)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
