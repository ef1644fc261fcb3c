//! `/v1/organizations/{organizationId}/conversations`: the conversations of the caller. Nobody has those of others, not even an owner.

mod create;
mod delete;
mod input;
mod list;
mod show;
mod update;

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::Member,
    db::Tx,
    domain::{ids::ConversationId, page::Data, permission::Chat},
    http::{Routes, etag::ETag},
    routes,
    store::conversations::{self, Conversation},
};
use utoipa::{IntoParams, ToSchema};

use crate::{ChatState, refusals};

pub fn add_routes<R: Routes<ChatState>>(routes: R) -> R {
    routes.routes(routes!(list::list, create::create)).routes(routes!(
        show::show,
        update::update,
        delete::delete
    ))
}

/// The path of a conversation.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct ConversationPath {
    /// The conversation's id.
    pub conversation_id: ConversationId,
}

/// A conversation with a language model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversation)]
pub struct ConversationView {
    id: ConversationId,
    #[schema(example = "Retention of backups", min_length = 1, max_length = 200)]
    title: Option<String>,
    /// The model that answers.
    #[schema(example = "gpt-4.1-mini", min_length = 1, max_length = 200)]
    model: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// The time of the last question; before the first one, the time of creation.
    last_message_at: DateTime<Utc>,
}

impl From<Conversation> for ConversationView {
    fn from(row: Conversation) -> Self {
        Self {
            id: row.id,
            title: row.title,
            model: row.model,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_message_at: row.last_message_at,
        }
    }
}

/// A conversation, with its version as `ETag`.
pub type ConversationResponse = (ETag, Json<Data<ConversationView>>);

fn respond(row: Conversation) -> ConversationResponse {
    (ETag(row.version), Json(Data { data: row.into() }))
}

/// Loads the conversation `id` of the caller.
pub async fn find(tx: &mut Tx, member: &Member<Chat>, id: ConversationId) -> Result<Conversation, ApiError> {
    let found = conversations::find_own(tx, member.organization.id, id, &member.principal).await?;
    Ok(found.ok_or(refusals::NO_SUCH_CONVERSATION)?)
}

/// Loads and locks the conversation `id` of the caller.
pub async fn lock(tx: &mut Tx, member: &Member<Chat>, id: ConversationId) -> Result<Conversation, ApiError> {
    let found = conversations::lock_own(tx, member.organization.id, id, &member.principal).await?;
    Ok(found.ok_or(refusals::NO_SUCH_CONVERSATION)?)
}
