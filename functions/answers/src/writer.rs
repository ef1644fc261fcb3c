//! The task that writes an answer. No transaction is open while the model talks.

use std::{sync::Arc, time::Duration};

use metrics::counter;
use shared::{
    ApiError,
    cache::breaker::Permit,
    db::Tx,
    domain::conversation::{MessageFailure, MessageStatus, Retrieval},
    http_client::chat::{ChatError, ChatRequest, Finish, TokenCounts},
    store::messages::{self, Flushed},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tracing::Instrument;

use crate::{
    answer::Answer,
    draft::Draft,
    events::{Events, MessageEvent},
    finish,
    sources::{self, Given},
};

/// What happens on the way to an answer.
enum Step {
    /// The model is asked now.
    Asked {
        prompt_tokens: u64,
        sources: usize,
        retrieval: Retrieval,
    },
    Text(String),
}

/// How an answer has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub status: MessageStatus,
    pub failure: Option<MessageFailure>,
    pub tokens: Tokens,
}

/// The tokens that an answer has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// The model did nothing.
    None,
    Reported(TokenCounts),
    /// The model did not say how many.
    Unknown,
}

/// What is known about an answer.
pub struct Progress {
    pub draft: Draft,
    /// The tokens of the prompt, estimated, once it is sent.
    pub prompt_tokens: Option<u64>,
    pub sources: usize,
    pub retrieval: Option<Retrieval>,
    pub first_text: Option<Instant>,
}

/// Writes the answer, stores it, and settles its tokens.
pub async fn write(answer: Answer, permit: Permit, events: Events) {
    let (started, answer) = (Instant::now(), Arc::new(answer));
    let question_id = Some(answer.question_id);
    events.message(&MessageEvent {
        user_message_id: question_id,
        message_id: answer.id,
        model: &answer.model,
    });
    let mut progress = Progress {
        draft: Draft::new(events.clone()),
        prompt_tokens: None,
        sources: 0,
        retrieval: None,
        first_text: None,
    };
    let ended = follow(&answer, permit, &events, &mut progress).await;
    progress.draft.send();
    let first_text_ms = progress.first_text.map(|first| millis(first - started));
    tracing::info!(
        message.id = %answer.id, status = ended.status.as_str(), failure = ended.failure.map(MessageFailure::as_str),
        sources = progress.sources, bytes = progress.draft.text.len(), first_text_ms, duration_ms = millis(started.elapsed()),
        "answer ended"
    );
    let outcome = ended.failure.map_or(ended.status.as_str(), MessageFailure::as_str);
    counter!("Answers", "outcome" => outcome).increment(1);
    if ended.failure.is_some() {
        counter!("AnswersFailed").increment(1);
    }
    finish::finish(&answer, &progress, ended, &events).await;
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Passes on what the model writes, until it ends, the answer is cancelled, the client leaves, or the time is up.
async fn follow(answer: &Arc<Answer>, permit: Permit, events: &Events, progress: &mut Progress) -> Ended {
    let (sender, mut steps) = unbounded_channel();
    let mut asking = std::pin::pin!(ask(answer, permit, events, sender));
    let deadline = Instant::now() + answer.deadline.left(Duration::ZERO);
    let mut flushing: Option<JoinHandle<Result<Flushed, ApiError>>> = None;
    loop {
        let delta_due = progress.draft.delta_due();
        tokio::select! {
            biased;
            () = events.closed() => return stopped(MessageStatus::Cancelled, None, progress, &mut steps),
            Some(step) = steps.recv() => {
                if !progress.take(step) {
                    return stopped(MessageStatus::Length, None, progress, &mut steps);
                }
            }
            flushed = finished(&mut flushing) => {
                flushing = None;
                if flushed.is_some_and(|flushed| flushed.cancel_requested) {
                    return stopped(MessageStatus::Cancelled, None, progress, &mut steps);
                }
            }
            ended = &mut asking => {
                while let Ok(step) = steps.try_recv() {
                    if !progress.take(step) {
                        return stopped(MessageStatus::Length, None, progress, &mut steps);
                    }
                }
                return ended_by_model(answer, ended);
            }
            () = sleep_until(delta_due.unwrap_or(deadline)), if delta_due.is_some() => progress.draft.send(),
            () = sleep_until(progress.draft.flush_due()), if flushing.is_none() => {
                flushing = Some(flush(answer, progress.draft.flush()));
            }
            () = sleep_until(deadline) => {
                let failure = Some(MessageFailure::DeadlineExceeded);
                return stopped(MessageStatus::Failed, failure, progress, &mut steps);
            }
        }
    }
}

impl Progress {
    /// Returns whether more may follow.
    fn take(&mut self, step: Step) -> bool {
        match step {
            Step::Asked { prompt_tokens, sources, retrieval } => {
                (self.prompt_tokens, self.sources) = (Some(prompt_tokens), sources);
                self.retrieval = Some(retrieval);
                true
            }
            Step::Text(text) => {
                self.first_text.get_or_insert_with(Instant::now);
                self.draft.push(&text)
            }
        }
    }
}

/// Returns the end of an answer whose model was stopped.
fn stopped(
    status: MessageStatus,
    failure: Option<MessageFailure>,
    progress: &mut Progress,
    steps: &mut UnboundedReceiver<Step>,
) -> Ended {
    // The model may have been asked a moment ago.
    while let Ok(step) = steps.try_recv() {
        progress.take(step);
    }
    let tokens = if progress.prompt_tokens.is_some() { Tokens::Unknown } else { Tokens::None };
    Ended { status, failure, tokens }
}

type End = Result<(Finish, Option<TokenCounts>), (ChatError, Tokens)>;

fn ended_by_model(answer: &Answer, end: End) -> Ended {
    match end {
        Ok((finish, usage)) => {
            let tokens = usage.map_or(Tokens::Unknown, Tokens::Reported);
            match finish {
                Finish::Stop => Ended { status: MessageStatus::Complete, failure: None, tokens },
                Finish::Length => Ended { status: MessageStatus::Length, failure: None, tokens },
                Finish::Filtered => Ended {
                    status: MessageStatus::Failed,
                    failure: Some(MessageFailure::ModelRejected),
                    tokens,
                },
            }
        }
        Err((error, tokens)) => {
            let failure = failure_of(&error, answer.deadline.is_reached(Duration::ZERO));
            let error = format!("{:#}", anyhow::Error::from(error));
            // Not at the level ERROR, which rolls a deployment back: a question can cause a refusal too.
            tracing::warn!(message.id = %answer.id, failure = failure.as_str(), error, "chat model failed");
            Ended { status: MessageStatus::Failed, failure: Some(failure), tokens }
        }
    }
}

fn failure_of(error: &ChatError, is_late: bool) -> MessageFailure {
    match error {
        ChatError::Unavailable(_) | ChatError::Throttled { .. } => MessageFailure::ModelUnavailable,
        ChatError::TimedOut if is_late => MessageFailure::DeadlineExceeded,
        ChatError::TimedOut => MessageFailure::ModelTimedOut,
        ChatError::Rejected(_) => MessageFailure::ModelRejected,
        ChatError::Invalid(_) => MessageFailure::InvalidAnswer,
        ChatError::Cut => MessageFailure::AnswerCut,
    }
}

/// Finds the sources and asks the model. Dropping this future closes the connection to the model.
async fn ask(answer: &Arc<Answer>, permit: Permit, events: &Events, steps: UnboundedSender<Step>) -> End {
    let given = sources::give(answer).await;
    events.sources(&given.sources);
    let Given { prompt, sources, retrieval } = &given;
    // The reader of the steps ends only together with this future.
    _ = steps.send(Step::Asked {
        prompt_tokens: prompt.tokens,
        sources: sources.len(),
        retrieval: *retrieval,
    });
    let request =
        ChatRequest { model: &answer.model, messages: &prompt.messages, max_tokens: answer.max_tokens };
    let asking = answer.state.models.ask(permit, &request, answer.deadline);
    let (stored, asked) = tokio::join!(sources::store(answer, &given), asking);
    if let Err(ApiError::Failed(error)) = stored {
        tracing::error!(message.id = %answer.id, error = format!("{error:#}"), "sources not stored");
    }
    let mut stream = asked.map_err(|error| {
        // A model that was silent may have worked.
        let tokens = if matches!(error, ChatError::TimedOut) { Tokens::Unknown } else { Tokens::None };
        (error, tokens)
    })?;
    loop {
        match stream.next().await {
            Ok(Some(text)) => _ = steps.send(Step::Text(text)),
            Ok(None) => return Ok((stream.finish(), stream.usage())),
            Err(error) => return Err((error, stream.usage().map_or(Tokens::Unknown, Tokens::Reported))),
        }
    }
}

/// Starts to store the text.
fn flush(answer: &Arc<Answer>, text: String) -> JoinHandle<Result<Flushed, ApiError>> {
    let answer = Arc::clone(answer);
    let tasks = answer.state.tasks.clone();
    let flush = async move {
        let flush = async |tx: &mut Tx| Ok(messages::flush(tx, answer.organization, answer.id, &text).await?);
        answer.state.app.db.transaction(flush).await
    };
    tasks.spawn(flush.in_current_span())
}

/// Waits until the text is stored; for ever, if it is not being stored.
async fn finished(flushing: &mut Option<JoinHandle<Result<Flushed, ApiError>>>) -> Option<Flushed> {
    let Some(task) = flushing else { return std::future::pending().await };
    match task.await {
        Ok(Ok(flushed)) => Some(flushed),
        Ok(Err(ApiError::Failed(error))) => {
            // It is tried again. The client gets the text all the same.
            tracing::warn!(error = format!("{error:#}"), "text of an answer not stored");
            None
        }
        Ok(Err(ApiError::Refused(_))) | Err(_) => None,
    }
}
