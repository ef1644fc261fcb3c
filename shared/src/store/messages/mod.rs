//! The `messages` table: what clients read and cancel. How an answer begins and ends is in `answers.rs`.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::message_sources::Source;
use crate::{
    db::Tx,
    domain::{
        conversation::{Citation, MessageFailure, MessageRole, MessageStatus, Retrieval},
        ids::{ConversationId, MessageId, OrganizationId},
        page::PageQuery,
    },
};

/// A row of `messages`, with its sources.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: MessageId,
    pub role: MessageRole,
    /// `streaming` only until its deadline: an answer that is not finished by then is `interrupted`, whatever the row says.
    pub status: MessageStatus,
    pub content: String,
    pub failure: Option<MessageFailure>,
    /// Of an answer.
    pub model: Option<String>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    /// Whether the tokens are estimated: the model did not report them, or has not yet.
    pub usage_estimated: bool,
    pub retrieval: Option<Retrieval>,
    pub citations: Json<Vec<Citation>>,
    /// In the order of their numbers.
    pub sources: Json<Vec<Source>>,
    pub deadline_at: Option<DateTime<Utc>>,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl Message {
    /// Returns the message as it is at `now`.
    fn at(self, now: DateTime<Utc>) -> Self {
        if self.status == MessageStatus::Streaming && self.deadline_at.is_some_and(|deadline| deadline <= now)
        {
            Self { status: MessageStatus::Interrupted, finished_at: self.deadline_at, ..self }
        } else {
            self
        }
    }
}

/// Builds a query of whole rows, from the SQL after the columns. The table has the alias `m`.
macro_rules! messages {
    ($after:tt, $($argument:tt)*) => {
        sqlx::query_as!(
            Message,
            r#"SELECT m.id AS "id: MessageId", m.role AS "role: MessageRole", m.status AS "status: MessageStatus", m.content,
                      m.failure AS "failure: MessageFailure", m.model, m.prompt_tokens, m.completion_tokens, m.usage_estimated,
                      m.retrieval AS "retrieval: Retrieval", m.citations AS "citations: Json<Vec<Citation>>",
                      coalesce((SELECT jsonb_agg(jsonb_build_object(
                                           'n', s.n, 'artifactId', s.artifact_id, 'chunkId', s.chunk_id, 'name', s.artifact_name,
                                           'page', s.page, 'quote', s.quote) ORDER BY s.n)
                                FROM message_sources s WHERE s.message_id = m.id), '[]') AS "sources!: Json<Vec<Source>>",
                      m.deadline_at, m.cancel_requested_at, m.created_at, m.finished_at "# + $after,
            $($argument)*
        )
    };
}

mod answers;
mod view;

pub use answers::{
    Begun, Finished, Flushed, Interrupted, NewAnswer, Refusal, RequestKey, begin, count_streaming, finish,
    flush, interrupt_next, question_of,
};
pub use view::{MessageView, TokenUsage};

/// Returns a page of the messages of the conversation.
pub async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    conversation: ConversationId,
    page: &PageQuery,
) -> sqlx::Result<Vec<Message>> {
    let now = tx.now();
    let found = page_of!(
        tx,
        page,
        Message,
        r#"
        SELECT m.id AS "id: MessageId", m.role AS "role: MessageRole", m.status AS "status: MessageStatus", m.content,
               m.failure AS "failure: MessageFailure", m.model, m.prompt_tokens, m.completion_tokens, m.usage_estimated,
               m.retrieval AS "retrieval: Retrieval", m.citations AS "citations: Json<Vec<Citation>>",
               coalesce((SELECT jsonb_agg(jsonb_build_object(
                                    'n', s.n, 'artifactId', s.artifact_id, 'chunkId', s.chunk_id, 'name', s.artifact_name,
                                    'page', s.page, 'quote', s.quote) ORDER BY s.n)
                         FROM message_sources s WHERE s.message_id = m.id), '[]') AS "sources!: Json<Vec<Source>>",
               m.deadline_at, m.cancel_requested_at, m.created_at, m.finished_at
        FROM messages m
        WHERE m.organization_id = $3 AND m.conversation_id = $4
        "#,
        "m.id",
        organization as OrganizationId,
        conversation as ConversationId
    );
    Ok(found?.into_iter().map(|message| message.at(now)).collect())
}

/// Returns the newest `limit` messages of the conversation, newest first.
pub async fn recent(
    tx: &mut Tx,
    organization: OrganizationId,
    conversation: ConversationId,
    limit: i64,
) -> sqlx::Result<Vec<Message>> {
    let now = tx.now();
    let found = messages!(
        "FROM messages m WHERE m.organization_id = $1 AND m.conversation_id = $2 ORDER BY m.id DESC LIMIT $3",
        organization as OrganizationId,
        conversation as ConversationId,
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(found.into_iter().map(|message| message.at(now)).collect())
}

/// Returns the message `id` of the conversation.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    conversation: ConversationId,
    id: MessageId,
) -> sqlx::Result<Option<Message>> {
    let now = tx.now();
    let found = messages!(
        "FROM messages m WHERE m.organization_id = $1 AND m.conversation_id = $2 AND m.id = $3",
        organization as OrganizationId,
        conversation as ConversationId,
        id as MessageId,
    )
    .fetch_optional(tx)
    .await?;
    Ok(found.map(|message| message.at(now)))
}

/// Asks for the end of the answer `id`, unless it has ended. Returns whether it did. The function that writes the answer sees it
/// within two seconds ([`flush`]).
pub async fn cancel(
    tx: &mut Tx,
    organization: OrganizationId,
    conversation: ConversationId,
    id: MessageId,
) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE messages
        SET cancel_requested_at = coalesce(cancel_requested_at, $4)
        WHERE organization_id = $1 AND conversation_id = $2 AND id = $3 AND status = 'streaming' AND deadline_at > $4
        "#,
        organization as OrganizationId,
        conversation as ConversationId,
        id as MessageId,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Deletes the messages of a deleted conversation. Of an answer that a model still writes the content, and cancels it: the row is needed to
/// settle its tokens.
pub async fn delete_all(
    tx: &mut Tx,
    organization: OrganizationId,
    conversation: ConversationId,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE messages
        SET content = '', cancel_requested_at = coalesce(cancel_requested_at, $3), request_key = NULL, request_hash = NULL
        WHERE organization_id = $1 AND conversation_id = $2 AND status = 'streaming'
        "#,
        organization as OrganizationId,
        conversation as ConversationId,
        now,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"
        DELETE FROM message_sources s
        USING messages m
        WHERE m.organization_id = $1 AND m.conversation_id = $2 AND s.message_id = m.id
        "#,
        organization as OrganizationId,
        conversation as ConversationId,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "DELETE FROM messages WHERE organization_id = $1 AND conversation_id = $2 AND status <> 'streaming'",
        organization as OrganizationId,
        conversation as ConversationId,
    )
    .execute(tx)
    .await
    .map(drop)
}
