//! `GET …/conversations/{conversationId}/messages/{messageId}`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::Chat},
    http::extract::Path,
    store::messages::MessageView,
};

use super::{MessagePath, find};
use crate::organization::OrganizationPath;

/// Show a message of one of your conversations.
///
/// While the model writes it, `content` is what is stored so far, at most two seconds old. If a stream breaks, ask here until the status
/// is not `streaming` any more.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/conversations/{conversationId}/messages/{messageId}", tag = "chat",
    operation_id = "show_message", params(OrganizationPath, MessagePath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The message.", body = Data<MessageView>),
        (status = 404, description = "`conversation-not-found` or `message-not-found`"),
    ),
)]
pub async fn show(
    member: Member<Chat>,
    Path(path): Path<MessagePath>,
) -> Result<Json<Data<MessageView>>, ApiError> {
    let found = member.transaction(async |tx| find(tx, &member, &path).await);
    Ok(Json(Data { data: found.await?.into() }))
}
