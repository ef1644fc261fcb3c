//! `GET /v1/organizations/{organizationId}/conversations`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        page::{Page, PageQuery, Position},
        permission::Chat,
    },
    http::extract::List,
    store::conversations::{self, Conversation},
};

use super::ConversationView;
use crate::organization::OrganizationPath;

/// List your conversations.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/conversations", tag = "chat",
    operation_id = "list_conversations", params(OrganizationPath, PageQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of your conversations.", body = Page<ConversationView>)),
)]
pub async fn list(
    member: Member<Chat>,
    List(page, _): List,
) -> Result<Json<Page<ConversationView>>, ApiError> {
    let (organization, owner) = (member.organization.id, &member.principal);
    let rows = member.read(async |tx| Ok(conversations::list(tx, organization, owner, &page).await?));
    let position = |row: &Conversation| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows.await?, position, ConversationView::from)))
}
