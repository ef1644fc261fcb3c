//! `GET /v1/organizations/{organizationId}/conversations/{conversationId}`

use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::Chat},
    http::extract::Path,
};

use super::{ConversationPath, ConversationResponse, ConversationView, find, respond};
use crate::organization::OrganizationPath;

/// Show one of your conversations.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/conversations/{conversationId}", tag = "chat",
    operation_id = "show_conversation", params(OrganizationPath, ConversationPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The conversation.", body = Data<ConversationView>),
        (status = 404, description = "`conversation-not-found`"),
    ),
)]
pub async fn show(
    member: Member<Chat>,
    Path(path): Path<ConversationPath>,
) -> Result<ConversationResponse, ApiError> {
    let found = member.read(async |tx| find(tx, &member, path.conversation_id).await);
    Ok(respond(found.await?))
}
