//! A message as the API shows it: to those who read it, and to the one who asked for it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Message;
use crate::{
    domain::{
        conversation::{Citation, MessageFailure, MessageRole, MessageStatus, Retrieval},
        ids::MessageId,
    },
    store::message_sources::Source,
};

/// A question, or the answer of a model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub struct MessageView {
    id: MessageId,
    role: MessageRole,
    status: MessageStatus,
    /// The text. While the model writes it, what is stored so far.
    #[schema(example = "Backups are kept for 35 days [1].", max_length = 262_144)]
    content: String,
    /// The reason, if the status is `failed`.
    failure: Option<MessageFailure>,
    /// The model that answered; null for a question.
    #[schema(example = "gpt-4.1-mini", max_length = 200)]
    model: Option<String>,
    /// The passages that the model was given.
    #[schema(max_items = 50)]
    sources: Vec<Source>,
    /// How they were found; null for a question, and until then.
    retrieval: Option<Retrieval>,
    /// The places in the text that name one of the sources.
    #[schema(max_items = 1_000)]
    citations: Vec<Citation>,
    /// The tokens that the answer used; null for a question, and while the model writes.
    usage: Option<TokenUsage>,
    created_at: DateTime<Utc>,
    /// The time at which its end was requested.
    cancel_requested_at: Option<DateTime<Utc>>,
    /// The end of the answer; null while the model writes.
    finished_at: Option<DateTime<Utc>>,
}

/// The tokens that an answer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    /// Of the question, with its sources and the messages before it.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub prompt_tokens: i64,
    /// Of the answer.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub completion_tokens: i64,
    /// Whether they are estimated: the model did not report them.
    pub estimated: bool,
}

impl Message {
    /// Returns the size of its texts in bytes, and some more for its other members.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let of_source =
            |source: &Source| 300 + source.name.len() + source.quote.as_ref().map_or(0, String::len);
        500 + self.content.len()
            + self.citations.len() * 10
            + self.sources.iter().map(of_source).sum::<usize>()
    }

    /// Returns the tokens that the answer used; `None` for a question, and while the model writes.
    #[must_use]
    pub fn usage(&self) -> Option<TokenUsage> {
        let (prompt_tokens, completion_tokens) = self.prompt_tokens.zip(self.completion_tokens)?;
        let usage = TokenUsage { prompt_tokens, completion_tokens, estimated: self.usage_estimated };
        (self.status != MessageStatus::Streaming).then_some(usage)
    }
}

impl From<Message> for MessageView {
    fn from(row: Message) -> Self {
        let usage = row.usage();
        Self {
            id: row.id,
            role: row.role,
            status: row.status,
            content: row.content,
            failure: row.failure,
            model: row.model,
            sources: row.sources.0,
            retrieval: row.retrieval,
            citations: row.citations.0,
            usage,
            created_at: row.created_at,
            cancel_requested_at: row.cancel_requested_at,
            finished_at: row.finished_at,
        }
    }
}
