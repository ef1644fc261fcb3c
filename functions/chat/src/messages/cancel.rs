//! `POST …/conversations/{conversationId}/messages/{messageId}/cancel`

use axum::{Json, http::StatusCode};
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{audit::Action, page::Data, permission::Chat},
    http::extract::Path,
    store::messages::{self, MessageView},
};

use super::{MessagePath, find};
use crate::{organization::OrganizationPath, refusals};

/// Cancel an answer that is being written.
///
/// The model stops within three seconds. What it has written before stays, and is paid. Closing the stream does not cancel the answer.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/conversations/{conversationId}/messages/{messageId}/cancel",
    tag = "chat", operation_id = "cancel_message",
    params(OrganizationPath, MessagePath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 202, description = "The message, which will be `cancelled`.", body = Data<MessageView>),
        (status = 404, description = "`conversation-not-found` or `message-not-found`"),
        (status = 409, description = "`not-streaming`"),
    ),
)]
pub async fn cancel(
    member: Member<Chat>,
    Path(path): Path<MessagePath>,
) -> Result<(StatusCode, Json<Data<MessageView>>), ApiError> {
    let (organization, conversation, id) = (member.organization.id, path.conversation_id, path.message_id);
    let cancelled = member.transaction(async |tx| {
        member.lock(tx).await?;
        find(tx, &member, &path).await?;
        if !messages::cancel(tx, organization, conversation, id).await? {
            return Err(refusals::NOT_STREAMING.into());
        }
        member.audit(tx, Action::AnswerCancelled, id).await?;
        let cancelled = messages::find(tx, organization, conversation, id).await?;
        Ok(cancelled.ok_or(refusals::NO_SUCH_MESSAGE)?)
    });
    Ok((StatusCode::ACCEPTED, Json(Data { data: cancelled.await?.into() })))
}
