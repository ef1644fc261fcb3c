//! An answer that has begun.

use shared::{
    auth::Member,
    domain::{
        conversation::{MessageRole, MessageStatus},
        deadline::Deadline,
        ids::{MessageId, OrganizationId},
        permission::Chat,
        prompt::{Earlier, PromptRole},
    },
    retrieval::VectorKey,
    store::messages::Message,
};

use crate::{AnswersState, request::WantedSources};

/// All that its task needs.
pub struct Answer {
    pub state: AnswersState,
    pub member: Member<Chat>,
    pub organization: OrganizationId,
    pub question_id: MessageId,
    pub id: MessageId,
    pub question: String,
    pub wanted: WantedSources,
    pub query: Query,
    /// The messages before the question, the newest one first.
    pub earlier: Vec<Message>,
    pub model: String,
    pub max_tokens: u32,
    pub deadline: Deadline,
}

/// What the artifacts are searched for.
pub struct Query {
    pub text: String,
    /// Where its vector may be cached.
    pub key: Option<VectorKey>,
    pub vector: Option<Vec<f32>>,
}

/// Returns the messages that can be part of a prompt.
pub fn earlier(messages: &[Message]) -> Vec<Earlier<'_>> {
    let said = messages.iter().filter(|message| message.status != MessageStatus::Streaming);
    said.map(|message| Earlier {
        role: match message.role {
            MessageRole::User => PromptRole::User,
            MessageRole::Assistant => PromptRole::Assistant,
        },
        content: &message.content,
    })
    .collect()
}
