//! The life of an answer: it begins with its question, is stored while the model writes it, and ends once.
//!
//! Its tokens are settled in the transaction that ends it; the id of the message is that of the reservation. An answer of which
//! the function died is ended by [`interrupt_next`].

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Message, Source};
use crate::{
    config::Prices,
    db::Tx,
    domain::{
        conversation::{
            Citation, FLUSH_BYTES, MAX_MESSAGES, MessageFailure, MessageRole, MessageStatus, Retrieval,
        },
        ids::{ConversationId, MessageId, OrganizationId},
        usage::{Usage, UsageKind, column, estimate, from_column},
    },
    store::token_budgets,
};

/// A question, and the answer that a model will write.
pub struct NewAnswer<'a> {
    pub organization: OrganizationId,
    /// Locked by [`super::super::conversations::lock_own`].
    pub conversation: ConversationId,
    /// The question.
    pub content: &'a str,
    pub model: &'a str,
    /// An estimate of the tokens of the question with its context.
    pub prompt_tokens: u64,
    /// For the costs of answers of the organization that had stopped.
    pub prices: &'a Prices,
    pub request_key: Option<&'a RequestKey>,
    /// An answer that is not finished by then has stopped.
    pub deadline: DateTime<Utc>,
}

/// What finds a request that is sent twice. Both are SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Of the `Idempotency-Key`.
    pub key: Vec<u8>,
    /// Of the body.
    pub body: Vec<u8>,
}

/// An answer that may be written.
#[derive(Debug)]
pub enum Begun {
    /// Nothing is written yet.
    New { question: MessageId, answer: MessageId },
    /// The answer to the same request. Its status may be `streaming`.
    Again(Box<Message>),
}

/// Why an answer does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Another answer of this conversation is being written.
    AnswerInProgress,
    /// The conversation has [`MAX_MESSAGES`] messages.
    ConversationTooLong,
    /// The same key was used with another body.
    KeyReused,
}

/// Inserts a question and its answer, which a model will write. Lock the conversation first, and reserve the tokens afterwards, in the
/// same transaction. Before that, ends all answers of the organization that had stopped.
pub async fn begin(tx: &mut Tx, new: &NewAnswer<'_>) -> sqlx::Result<Result<Begun, Refusal>> {
    if let Some(request) = new.request_key
        && let Some((found, is_same)) = find_again(tx, new, request).await?
    {
        return Ok(if is_same { Ok(Begun::Again(Box::new(found))) } else { Err(Refusal::KeyReused) });
    }
    while interrupt_next(tx, Some(new.organization), new.prices).await?.is_some() {}
    let conversation = sqlx::query!(
        r#"
        SELECT count(*) AS "messages!", coalesce(bool_or(status = 'streaming'), false) AS "in_progress!"
        FROM messages
        WHERE organization_id = $1 AND conversation_id = $2
        "#,
        new.organization as OrganizationId,
        new.conversation as ConversationId,
    )
    .fetch_one(&mut *tx)
    .await?;
    if conversation.in_progress {
        return Ok(Err(Refusal::AnswerInProgress));
    }
    if conversation.messages + 2 > MAX_MESSAGES {
        return Ok(Err(Refusal::ConversationTooLong));
    }
    // In this order, because ids order the messages.
    let (question, answer) = (MessageId::new(), MessageId::new());
    insert(tx, new, question, answer).await?;
    let now = tx.now();
    sqlx::query!(
        "UPDATE conversations SET last_message_at = $3 WHERE organization_id = $1 AND id = $2",
        new.organization as OrganizationId,
        new.conversation as ConversationId,
        now,
    )
    .execute(tx)
    .await?;
    Ok(Ok(Begun::New { question, answer }))
}

/// Returns the answer to a request with the same key, and whether its body was the same.
async fn find_again(
    tx: &mut Tx,
    new: &NewAnswer<'_>,
    request: &RequestKey,
) -> sqlx::Result<Option<(Message, bool)>> {
    let now = tx.now();
    let found = messages!(
        "FROM messages m WHERE m.organization_id = $1 AND m.conversation_id = $2 AND m.request_key = $3",
        new.organization as OrganizationId,
        new.conversation as ConversationId,
        request.key,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let is_same = sqlx::query_scalar!(
        r#"SELECT request_hash = $3 AS "same!" FROM messages WHERE organization_id = $1 AND id = $2"#,
        new.organization as OrganizationId,
        found.id as MessageId,
        request.body,
    )
    .fetch_one(tx)
    .await?;
    Ok(Some((found.at(now), is_same)))
}

/// Returns the question of the answer `id`.
pub async fn question_of(
    tx: &mut Tx,
    organization: OrganizationId,
    conversation: ConversationId,
    id: MessageId,
) -> sqlx::Result<Option<MessageId>> {
    sqlx::query_scalar!(
        r#"
        SELECT id AS "id: MessageId" FROM messages
        WHERE organization_id = $1 AND conversation_id = $2 AND id < $3 AND role = 'user'
        ORDER BY id DESC
        LIMIT 1
        "#,
        organization as OrganizationId,
        conversation as ConversationId,
        id as MessageId,
    )
    .fetch_optional(tx)
    .await
}

/// Returns how many answers of the organization are being written. Exact after the tokens of the answer were reserved: that locks the
/// budget, for which all answers of the organization wait.
pub async fn count_streaming(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<i64> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM messages WHERE organization_id = $1 AND status = 'streaming' AND deadline_at > $2"#,
        organization as OrganizationId,
        now,
    )
    .fetch_one(tx)
    .await
}

async fn insert(
    tx: &mut Tx,
    new: &NewAnswer<'_>,
    question: MessageId,
    answer: MessageId,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        INSERT INTO messages
            (id, organization_id, conversation_id, role, status, content, model, prompt_tokens, completion_tokens, usage_estimated,
             request_key, request_hash, deadline_at, created_at, finished_at)
        VALUES ($1, $3, $4, 'user', 'complete', $5, NULL, NULL, NULL, false, NULL, NULL, NULL, $11, $11),
               ($2, $3, $4, 'assistant', 'streaming', '', $6, $7, 0, true, $8, $9, $10, $11, NULL)
        "#,
        question as MessageId,
        answer as MessageId,
        new.organization as OrganizationId,
        new.conversation as ConversationId,
        new.content,
        new.model,
        column(new.prompt_tokens),
        new.request_key.map(|request| &request.key[..]),
        new.request_key.map(|request| &request.body[..]),
        new.deadline,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// What the store says to a function that writes an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// The answer was cancelled, or has ended already: write no more of it.
    pub cancel_requested: bool,
}

/// Stores what the model has written so far: all of it, without NUL. Nothing is stored in a deleted conversation.
pub async fn flush(
    tx: &mut Tx,
    organization: OrganizationId,
    message: MessageId,
    text: &str,
) -> sqlx::Result<Flushed> {
    let flushed = sqlx::query_scalar!(
        r#"
        UPDATE messages m
        SET content = CASE WHEN c.deleted_at IS NULL THEN $3 ELSE '' END, completion_tokens = $4
        FROM conversations c
        WHERE m.organization_id = $1 AND m.id = $2 AND m.status = 'streaming' AND c.id = m.conversation_id
        RETURNING m.cancel_requested_at IS NOT NULL AS "cancel_requested!"
        "#,
        organization as OrganizationId,
        message as MessageId,
        text,
        column(estimate(text.len())),
    )
    .fetch_optional(tx)
    .await?;
    Ok(Flushed { cancel_requested: flushed.unwrap_or(true) })
}

/// The end of an answer.
pub struct Finished<'a> {
    /// Not `streaming`.
    pub status: MessageStatus,
    /// All that the model has written, without NUL.
    pub text: &'a str,
    /// If the status is `failed`.
    pub failure: Option<MessageFailure>,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Whether the model did not report the tokens.
    pub estimated: bool,
    pub citations: &'a [Citation],
}

/// Ends the answer, unless something else has ended it, or it was erased: then it returns `false`, and nothing may be settled.
/// Otherwise settle its tokens in the same transaction, afterwards: budgets are locked last.
pub async fn finish(
    tx: &mut Tx,
    organization: OrganizationId,
    message: MessageId,
    finished: &Finished<'_>,
) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE messages m
        SET status = $3, content = CASE WHEN c.deleted_at IS NULL THEN $4 ELSE '' END, failure = $5, prompt_tokens = $6,
            completion_tokens = $7, usage_estimated = $8,
            citations = CASE WHEN c.deleted_at IS NULL THEN $9::jsonb ELSE '[]' END, finished_at = $10
        FROM conversations c
        WHERE m.organization_id = $1 AND m.id = $2 AND m.status = 'streaming' AND c.id = m.conversation_id
        "#,
        organization as OrganizationId,
        message as MessageId,
        finished.status.as_str(),
        finished.text,
        finished.failure.map(MessageFailure::as_str),
        column(finished.prompt_tokens),
        column(finished.completion_tokens),
        finished.estimated,
        Json(finished.citations) as _,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// An answer that had stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted {
    pub organization: OrganizationId,
    pub message: MessageId,
}

/// Ends one answer that is not finished at its deadline, of `organization` or of any, and settles its tokens: those of the question,
/// and of all that the model can have written before the function died, as far as they were reserved. Skips an answer that another
/// transaction ends. `None` if there is no such answer.
pub async fn interrupt_next(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    prices: &Prices,
) -> sqlx::Result<Option<Interrupted>> {
    let now = tx.now();
    let ended = sqlx::query!(
        r#"
        WITH stopped AS (
            SELECT o.id, (SELECT t.tokens FROM token_reservations t WHERE t.id = o.id) AS tokens
            FROM messages o
            WHERE o.status = 'streaming' AND o.deadline_at <= $2 AND ($1::uuid IS NULL OR o.organization_id = $1)
            ORDER BY o.deadline_at
            LIMIT 1
            FOR UPDATE OF o SKIP LOCKED
        )
        UPDATE messages m
        SET status = 'interrupted', usage_estimated = true, finished_at = $2,
            completion_tokens = least(coalesce(m.completion_tokens, 0) + $3,
                                      greatest(s.tokens - coalesce(m.prompt_tokens, 0), coalesce(m.completion_tokens, 0)))
        FROM stopped s
        WHERE m.id = s.id
        RETURNING m.id AS "id: MessageId", m.organization_id AS "organization_id: OrganizationId", m.model AS "model!",
                  coalesce(m.prompt_tokens, 0) AS "prompt_tokens!", m.completion_tokens AS "completion_tokens!"
        "#,
        organization as Option<OrganizationId>,
        now,
        column(estimate(FLUSH_BYTES)),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(ended) = ended else { return Ok(None) };
    let (prompt_tokens, completion_tokens) =
        (from_column(ended.prompt_tokens), from_column(ended.completion_tokens));
    let usage = Usage {
        kind: UsageKind::Chat,
        model: &ended.model,
        prompt_tokens,
        completion_tokens,
        price: prices.of(&ended.model),
        estimated: true,
    };
    token_budgets::settle(tx, ended.organization_id, ended.id.0, &usage).await?;
    Ok(Some(Interrupted { organization: ended.organization_id, message: ended.id }))
}
