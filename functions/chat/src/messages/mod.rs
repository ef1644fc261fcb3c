//! `…/conversations/{conversationId}/messages`: the questions and answers of a conversation.

mod cancel;
mod list;
mod show;

use serde::Deserialize;
use shared::{
    ApiError,
    auth::Member,
    db::Tx,
    domain::{
        ids::{ConversationId, MessageId},
        permission::Chat,
    },
    http::Routes,
    routes,
    store::messages::{self, Message},
};
use utoipa::IntoParams;

use crate::{ChatState, conversations, refusals};

pub fn add_routes<R: Routes<ChatState>>(routes: R) -> R {
    routes.routes(routes!(list::list)).routes(routes!(show::show)).routes(routes!(cancel::cancel))
}

/// The path of a message.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct MessagePath {
    /// The conversation's id.
    conversation_id: ConversationId,
    /// The message's id.
    message_id: MessageId,
}

/// Loads a message of a conversation of the caller.
async fn find(tx: &mut Tx, member: &Member<Chat>, path: &MessagePath) -> Result<Message, ApiError> {
    conversations::find(tx, member, path.conversation_id).await?;
    let found = messages::find(tx, member.organization.id, path.conversation_id, path.message_id).await?;
    Ok(found.ok_or(refusals::NO_SUCH_MESSAGE)?)
}
