//! The beginning of an answer: one transaction checks, inserts the messages, and reserves tokens.

use std::time::Duration;

use chrono::TimeDelta;
use shared::{
    ApiError, ReachedLimit,
    auth::{Actor, Member},
    db::Tx,
    domain::{
        conversation::RESERVATION_MARGIN,
        ids::{ConversationId, MessageId},
        permission::Chat,
        prompt,
    },
    http::idempotency,
    retrieval::reached_budget,
    store::{
        conversations,
        messages::{self, Message, NewAnswer, Refusal, RequestKey},
        token_budgets::{self, Reserved},
    },
};

use crate::{AnswersState, answer, refusals, request::SourceMode};

/// Of the messages before the question, so many are looked at.
const MAX_EARLIER: i64 = 20;
/// Answers of an organization that are written at the same time.
const MAX_AT_ONCE: i64 = 8;
/// After its deadline, an answer still has to be stored.
const DEADLINE_MARGIN: TimeDelta = TimeDelta::seconds(15);

/// What is asked.
pub struct Asked<'a> {
    pub conversation: ConversationId,
    pub content: &'a str,
    pub mode: SourceMode,
    pub max_tokens: u32,
    pub request_key: Option<RequestKey>,
}

/// An answer that has begun, or was given already.
pub enum Begun {
    New { question: MessageId, answer: MessageId, model: String, earlier: Vec<Message> },
    Again { question: Option<MessageId>, answer: Box<Message> },
}

/// Begins the answer, or finds the one of an earlier request with the same key.
pub async fn begin(
    state: &AnswersState,
    member: &Member<Chat>,
    asked: &Asked<'_>,
) -> Result<Begun, ApiError> {
    member.transaction(async |tx| begin_within(state, member, asked, tx).await).await
}

async fn begin_within(
    state: &AnswersState,
    member: &Member<Chat>,
    asked: &Asked<'_>,
    tx: &mut Tx,
) -> Result<Begun, ApiError> {
    let (models, organization) = (&state.app.config.models, member.organization.id);
    let conversation = asked.conversation;
    let locked = conversations::lock_own(tx, organization, conversation, &member.principal).await?;
    let model = locked.ok_or(refusals::NO_SUCH_CONVERSATION)?.model;
    let earlier = messages::recent(tx, organization, conversation, MAX_EARLIER).await?;
    let prompt_tokens = prompt::most_tokens(
        asked.content,
        asked.mode == SourceMode::Auto,
        &answer::earlier(&earlier),
        models.chat_context_tokens.into(),
    );
    let time = TimeDelta::from_std(models.chat_deadline).unwrap_or(TimeDelta::MAX);
    let deadline = tx.now() + time + DEADLINE_MARGIN;
    let new = NewAnswer {
        organization,
        conversation,
        content: asked.content,
        model: &model,
        prompt_tokens,
        prices: &models.prices,
        request_key: asked.request_key.as_ref(),
        deadline,
    };
    let (question, answer) = match messages::begin(tx, &new).await? {
        Ok(messages::Begun::New { question, answer }) => (question, answer),
        Ok(messages::Begun::Again(answer)) => {
            let question = messages::question_of(tx, organization, conversation, answer.id).await?;
            return Ok(Begun::Again { question, answer });
        }
        Err(Refusal::AnswerInProgress) => return Err(refusals::ANSWER_IN_PROGRESS.into()),
        Err(Refusal::ConversationTooLong) => return Err(refusals::CONVERSATION_TOO_LONG.into()),
        Err(Refusal::KeyReused) => return Err(idempotency::REUSED.into()),
    };
    if !models.chat_models.contains(&model) {
        return Err(refusals::NO_SUCH_MODEL.into());
    }
    let limit = state.limits().tokens_per_month;
    let tokens = prompt_tokens + u64::from(asked.max_tokens);
    let expires_at = deadline + RESERVATION_MARGIN;
    let reserved = token_budgets::reserve(tx, organization, answer.0, tokens, limit, expires_at).await?;
    if reserved != Reserved::Yes {
        let reached = reached_budget(&state.app, limit, reserved == Reserved::Busy);
        return Err(refusals::BUDGET_USED_UP.reached(reached));
    }
    if messages::count_streaming(tx, organization).await? > MAX_AT_ONCE {
        let at_once = u32::try_from(MAX_AT_ONCE).unwrap_or(u32::MAX);
        return Err(refusals::TOO_MANY_ANSWERS.reached(ReachedLimit::new(at_once, Duration::from_secs(2))));
    }
    Ok(Begun::New { question, answer, model, earlier })
}
