//! `DELETE /v1/organizations/{organizationId}/conversations/{conversationId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{audit::Action, permission::Chat},
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store,
};

use super::{ConversationPath, lock};
use crate::organization::OrganizationPath;

/// Delete one of your conversations, with its messages.
///
/// An answer that is being written is cancelled, and nothing of it is stored.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/conversations/{conversationId}", tag = "chat",
    operation_id = "delete_conversation",
    params(OrganizationPath, ConversationPath, IfMatch),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "The conversation is deleted."),
        (status = 404, description = "`conversation-not-found`"),
    ),
)]
pub async fn delete(
    member: Member<Chat>,
    Path(path): Path<ConversationPath>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, id) = (member.organization.id, path.conversation_id);
    member
        .transaction(async |tx| {
            member.lock(tx).await?;
            lock(tx, &member, id).await?;
            if !store::conversations::delete(tx, organization, id, versions.as_deref()).await? {
                return Err(STALE.into());
            }
            store::messages::delete_all(tx, organization, id).await?;
            member.audit(tx, Action::ConversationDeleted, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
