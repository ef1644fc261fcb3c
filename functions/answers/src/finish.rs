//! The end of an answer: one transaction stores the text and settles the tokens.

use std::time::Duration;

use shared::{
    ApiError,
    db::Tx,
    domain::{
        citations,
        conversation::{Citation, MessageStatus},
        usage::{Usage, UsageKind, column, estimate},
    },
    store::{
        messages::{self, Finished, TokenUsage},
        token_budgets::{self, Budget},
    },
};
use tokio::time::sleep;

use crate::{
    answer::Answer,
    events::{BudgetView, DoneEvent, Events},
    refusals,
    writer::{Ended, Progress, Tokens},
};

/// While the database is unavailable, it is tried again after these times. Then the answer is swept.
const RETRY_DELAYS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2)];

/// Stores and settles the answer, and sends the last event.
pub async fn finish(answer: &Answer, progress: &Progress, ended: Ended, events: &Events) {
    let given = 1..=i16::try_from(progress.sources).unwrap_or(0);
    let citations = citations::find(&progress.draft.text, &given);
    let usage = usage(answer, progress, ended.tokens);
    let settled = settle_with_retries(answer, progress, ended, usage, &citations).await;
    let Some(Settled { is_last, budget }) = settled else {
        return events.error(refusals::NOT_STORED, &answer.member.request);
    };
    if let Some(failure) = ended.failure {
        return events.error(refusals::of_failure(failure), &answer.member.request);
    }
    events.done(&DoneEvent {
        // Otherwise the sweeper has ended it before, or it was erased.
        status: if is_last { ended.status } else { MessageStatus::Interrupted },
        retrieval: progress.retrieval,
        citations: &citations,
        usage: Some(usage),
        budget: Some(BudgetView { used: budget.used, limit: answer.state.limits().tokens_per_month }),
    });
}

struct Settled {
    /// Whether this was the end of the answer.
    is_last: bool,
    budget: Budget,
}

async fn settle_with_retries(
    answer: &Answer,
    progress: &Progress,
    ended: Ended,
    usage: TokenUsage,
    citations: &[Citation],
) -> Option<Settled> {
    let mut delays = RETRY_DELAYS.into_iter();
    loop {
        let error = match settle(answer, progress, ended, usage, citations).await {
            Ok(settled) => return Some(settled),
            Err(ApiError::Failed(error)) => format!("{error:#}"),
            Err(ApiError::Refused(_)) => "refused".to_owned(),
        };
        let Some(delay) = delays.next() else {
            tracing::error!(message.id = %answer.id, error, "answer not stored");
            return None;
        };
        tracing::warn!(message.id = %answer.id, error, "answer not stored; trying again");
        sleep(delay).await;
    }
}

async fn settle(
    answer: &Answer,
    progress: &Progress,
    ended: Ended,
    usage: TokenUsage,
    citations: &[Citation],
) -> Result<Settled, ApiError> {
    let TokenUsage { prompt_tokens, completion_tokens, estimated } = usage;
    let [prompt_tokens, completion_tokens] = [prompt_tokens, completion_tokens].map(i64::cast_unsigned);
    let finished = Finished {
        status: ended.status,
        text: &progress.draft.text,
        failure: ended.failure,
        prompt_tokens,
        completion_tokens,
        estimated,
        citations,
    };
    let (organization, id, model) = (answer.organization, answer.id, answer.model.as_str());
    let prices = &answer.state.app.config.models.prices;
    let used = Usage {
        kind: UsageKind::Chat,
        model,
        prompt_tokens,
        completion_tokens,
        price: prices.of(model),
        estimated,
    };
    let settle = async |tx: &mut Tx| {
        let is_last = messages::finish(tx, organization, id, &finished).await?;
        if is_last && used.tokens() > 0 {
            token_budgets::settle(tx, organization, id.0, &used).await?;
        } else if is_last {
            token_budgets::cancel(tx, organization, id.0).await?;
        }
        Ok(Settled { is_last, budget: token_budgets::find(tx, organization).await? })
    };
    answer.state.app.db.transaction(settle).await
}

/// Returns the tokens to pay. What the model did not report is estimated: at least what it has sent, and no more than was reserved.
fn usage(answer: &Answer, progress: &Progress, tokens: Tokens) -> TokenUsage {
    let usage = |prompt: u64, completion: u64, estimated: bool| TokenUsage {
        prompt_tokens: column(prompt),
        completion_tokens: column(completion),
        estimated,
    };
    match tokens {
        Tokens::None => usage(0, 0, false),
        Tokens::Reported(counts) => usage(counts.prompt, counts.completion, false),
        Tokens::Unknown => {
            let written = estimate(progress.draft.text.len()).min(answer.max_tokens.into());
            usage(progress.prompt_tokens.unwrap_or(0), written, true)
        }
    }
}
