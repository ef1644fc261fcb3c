//! `POST /v1/organizations/{organizationId}/conversations/{conversationId}/answers`

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    cache::rate_limit::Limit,
    domain::{
        conversation::MessageStatus,
        deadline::Deadline,
        ids::{ConversationId, MessageId, OrganizationId},
        page::Data,
        permission::Chat,
    },
    http::{
        extract::Path,
        headers::IDEMPOTENCY_REPLAYED,
        idempotency::{Create, IdempotencyKey},
        stream::{self, Event},
    },
    retrieval::{self, VectorKey},
    store::messages::{self, Message, MessageView, RequestKey},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};

use crate::{
    AnswersState,
    answer::{Answer, Query},
    begin::{self, Asked, Begun},
    events::{DoneEvent, Events, MessageEvent},
    refusals,
    request::{Question, SourceMode, wants_stream},
    writer,
};

/// Answers for one user, or for one API key. Each costs tokens.
const PER_CALLER: Limit = Limit { name: "answers", max: 20, window: Duration::from_mins(1) };
/// Of a long question, so much is searched for.
const MAX_QUERY_CHARACTERS: usize = 1_000;
/// `Retry-After` while the breaker is open, which it is for 15 s.
const MODEL_RETRY_AFTER: Duration = Duration::from_secs(15);

/// Server-sent events (HTML Living Standard, section 9.2), for the documentation.
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 8_388_608)]
#[expect(dead_code, reason = "describes a response that is written piece by piece")]
pub struct EventStream(String);

/// A stream, for the documentation.
const EXAMPLE: &str = r#"id: 1
event: message
data: {"userMessageId":"019b8c6e-0000-7000-8000-000000000001","messageId":"019b8c6e-0000-7000-8000-000000000002","model":"gpt-4.1-mini"}

id: 2
event: sources
data: [{"n":1,"artifactId":"019b8c6e-0000-7000-8000-000000000003","name":"Handbook.pdf","page":3,"chunkId":"019b8c6e-0000-7000-8000-000000000004"}]

id: 3
event: delta
data: {"text":"Backups are kept for "}

: ping

id: 4
event: delta
data: {"text":"35 days [1]."}

id: 5
event: done
data: {"status":"complete","retrieval":"hybrid","citations":[{"n":1,"start":29,"end":32}],"usage":{"promptTokens":612,"completionTokens":9,"estimated":false},"budget":{"used":1533,"limit":2000000}}

"#;

/// The path of a conversation.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct ConversationPath {
    /// The conversation's id.
    conversation_id: ConversationId,
}

/// The path of an organization, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a parameter that `Member` reads")]
pub struct OrganizationPath {
    /// The organization's id.
    organization_id: OrganizationId,
}

/// Ask a question.
///
/// The answer is written by the model of the conversation, from passages of artifacts of the organization and from the messages before. With
/// `Accept: text/event-stream` it is sent while it is written, as server-sent events: `message` with the ids of the two messages, `sources`
/// with the passages that the model was given, `delta` with more text, and at the end either `done` with status, citations, usage and
/// budget, or `error` with a problem document, whose code is the `failure` of the message. A comment comes every 10 seconds of silence.
/// Otherwise it is sent as one message when it has ended; look at its status.
///
/// A stream that breaks is not resumed: read the message until its status is final. If the client closes the connection, the answer may go
/// on; cancel it. `[n]` in the text counts as a citation only if `n` is the number of a source; its place is counted in
/// characters (Unicode scalar values), not in bytes or UTF-16 units. The text is not HTML: show it as text, or as Markdown without images.
///
/// With an `Idempotency-Key`, a repeated request gets the same answer, for as long as the conversation exists.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/conversations/{conversationId}/answers", tag = "answers",
    operation_id = "create_answer", request_body = Question,
    params(OrganizationPath, ConversationPath, IdempotencyKey),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The events, if the client accepts them.", body = EventStream, content_type = "text/event-stream",
         example = json!(EXAMPLE)),
        (status = 201, description = "The answer, when it has ended.", body = Data<MessageView>),
        (status = 404, description = "`conversation-not-found`"),
        (status = 409, description = "`answer-in-progress` or `conversation-too-long`"),
        (status = 422, description = "`no-such-model`"),
        (status = 429, description = "`too-many-answers` or `budget-used-up`"),
        (status = 503, description = "`model-unavailable`"),
    ),
)]
pub async fn create(
    State(state): State<AnswersState>,
    member: Member<Chat>,
    Path(path): Path<ConversationPath>,
    headers: HeaderMap,
    Create { new, idempotent }: Create<Question>,
) -> Result<Response, ApiError> {
    let models = &state.app.config.models;
    let query = take(&state, &member, &new).await?;
    let unavailable = || refusals::MODEL_UNAVAILABLE.retry_after(MODEL_RETRY_AFTER);
    let permit = state.models.admit().await.ok_or_else(unavailable)?;
    let asked = Asked {
        conversation: path.conversation_id,
        content: &new.content.0,
        mode: new.sources.mode,
        max_tokens: new.max_tokens.map_or(models.max_tokens, |wanted| wanted.0.min(models.max_tokens)),
        request_key: idempotent.hashes().map(|(key, body)| RequestKey { key, body }),
    };
    let max_tokens = asked.max_tokens;
    let begun = begin::begin(&state, &member, &asked).await;
    let (question_id, id, model, earlier) = match begun {
        Ok(Begun::New { question, answer, model, earlier }) => (question, answer, model, earlier),
        Ok(Begun::Again { question, answer }) => {
            permit.give_back().await;
            return again(&member, question, *answer, wants_stream(&headers));
        }
        Err(refused) => {
            permit.give_back().await;
            return Err(refused);
        }
    };
    let (sender, receiver) = unbounded_channel();
    let (organization, conversation) = (member.organization.id, path.conversation_id);
    let deadline = Deadline::after(models.chat_deadline);
    let answer = Answer {
        state: state.clone(),
        member,
        organization,
        question_id,
        id,
        question: new.content.0,
        wanted: new.sources,
        query,
        earlier,
        model,
        max_tokens,
        deadline,
    };
    // The log lines of the task belong to the request.
    let task = writer::write(answer, permit, Events::new(sender)).in_current_span();
    state.tasks.spawn(task);
    if wants_stream(&headers) {
        return Ok(stream::respond(receiver));
    }
    wait_for_end(receiver).await;
    let find = async |tx: &mut shared::db::Tx| Ok(messages::find(tx, organization, conversation, id).await?);
    let message = state.app.db.transaction(find).await?.ok_or(refusals::NO_SUCH_CONVERSATION)?;
    if message.status == MessageStatus::Streaming {
        return Err(refusals::NOT_STORED.into());
    }
    Ok((StatusCode::CREATED, Json(Data { data: MessageView::from(message) })).into_response())
}

/// Counts the answer, and returns what to search for.
async fn take(state: &AnswersState, member: &Member<Chat>, new: &Question) -> Result<Query, ApiError> {
    let text: String = new.content.0.chars().take(MAX_QUERY_CHARACTERS).collect();
    let key = match new.sources.mode {
        SourceMode::Auto => VectorKey::of(&state.app, member.organization.id, &text).await,
        SourceMode::None => None,
    };
    let taken = retrieval::take(&state.app, [(PER_CALLER, member.name())], key.as_ref()).await;
    let vector = taken.map_err(|reached| refusals::TOO_MANY_ANSWERS.reached(reached))?;
    Ok(Query { text, key, vector })
}

/// Drops the events until the answer has ended. If the client leaves, this is dropped, and the answer is cancelled.
async fn wait_for_end(mut events: UnboundedReceiver<Event>) {
    while events.recv().await.is_some() {}
}

/// Returns the answer of an earlier request with the same key.
fn again(
    member: &Member<Chat>,
    question: Option<MessageId>,
    message: Message,
    as_stream: bool,
) -> Result<Response, ApiError> {
    if message.status == MessageStatus::Streaming {
        return Err(refusals::ANSWER_IN_PROGRESS.into());
    }
    let mut response = if as_stream {
        let (sender, receiver) = unbounded_channel();
        replay(&Events::new(sender), member, question, &message);
        stream::respond(receiver)
    } else {
        (StatusCode::CREATED, Json(Data { data: MessageView::from(message) })).into_response()
    };
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Sends the events of an answer that has ended, its text as one `delta`.
fn replay(events: &Events, member: &Member<Chat>, question: Option<MessageId>, message: &Message) {
    let model = message.model.as_deref().unwrap_or_default();
    events.message(&MessageEvent { user_message_id: question, message_id: message.id, model });
    events.sources(&message.sources.0);
    if !message.content.is_empty() {
        events.delta(&message.content);
    }
    match message.failure {
        Some(failure) => events.error(refusals::of_failure(failure), &member.request),
        None => events.done(&DoneEvent {
            status: message.status,
            retrieval: message.retrieval,
            citations: &message.citations.0,
            usage: message.usage(),
            budget: None,
        }),
    }
}
