//! `GET /v1/organizations/{organizationId}/conversations/{conversationId}/messages`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        page::{Page, PageQuery, Position},
        permission::Chat,
    },
    http::extract::{List, Path},
    store::messages::{self, Message, MessageView},
};

use crate::{
    conversations::{self, ConversationPath},
    organization::OrganizationPath,
};

/// The most text of a page, in bytes. AWS Lambda takes 6,291,556 bytes as a response, in which a byte of text becomes at most seven: JSON
/// within JSON.
const MAX_PAGE_BYTES: usize = 700_000;

/// List the messages of one of your conversations.
///
/// `sort=createdAt` returns the oldest first. If the messages are long, a page has fewer of them than `limit`.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/conversations/{conversationId}/messages", tag = "chat",
    operation_id = "list_messages", params(OrganizationPath, ConversationPath, PageQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "A page of the messages.", body = Page<MessageView>),
        (status = 404, description = "`conversation-not-found`"),
    ),
)]
pub async fn list(
    member: Member<Chat>,
    Path(path): Path<ConversationPath>,
    List(page, _): List,
) -> Result<Json<Page<MessageView>>, ApiError> {
    let (organization, conversation) = (member.organization.id, path.conversation_id);
    let rows = member.transaction(async |tx| {
        conversations::find(tx, &member, conversation).await?;
        Ok(messages::list(tx, organization, conversation, &page).await?)
    });
    let position = |row: &Message| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page_within(MAX_PAGE_BYTES, rows.await?, Message::text_bytes, position, MessageView::from)))
}
