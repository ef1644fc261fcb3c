//! The refusals of this function, besides those of [`shared::auth::member`].

use shared::{Refusal, TooMany, domain::conversation::MessageFailure};

pub const NO_SUCH_CONVERSATION: Refusal =
    Refusal::not_found("conversation-not-found", "You have no such conversation in this organization.");
pub const NO_SUCH_MODEL: Refusal = Refusal::invalid(
    "no-such-model",
    "The model of this conversation is no longer available. Change the model of the conversation.",
);
pub const ANSWER_IN_PROGRESS: Refusal = Refusal::conflict(
    "answer-in-progress",
    "An answer of this conversation is being written. Wait for its end, or cancel it.",
);
pub const CONVERSATION_TOO_LONG: Refusal = Refusal::conflict(
    "conversation-too-long",
    "The conversation has as many messages as it may have. Create another one.",
);
pub const BUDGET_USED_UP: TooMany = TooMany::new(
    "budget-used-up",
    "The organization has used its tokens of this month, or answers in progress need those that are left. Wait for the time in \
     Retry-After, or ask for fewer with `maxTokens`.",
);
pub const TOO_MANY_ANSWERS: TooMany =
    TooMany::new("too-many-answers", "Too many answers. Wait for the time in Retry-After.");
pub const MODEL_UNAVAILABLE: Refusal = Refusal::unavailable(
    "model-unavailable",
    "The language model cannot answer right now. Try again shortly.",
);
/// The answer is there, but could not be stored.
pub const NOT_STORED: Refusal =
    Refusal::unavailable("unavailable", "The service cannot answer right now. Try again shortly.");

/// Returns the problem of an answer that has failed. Its code is the `failure` of the message.
pub const fn of_failure(failure: MessageFailure) -> Refusal {
    let text = match failure {
        MessageFailure::ModelUnavailable => return MODEL_UNAVAILABLE,
        MessageFailure::ModelTimedOut => "The language model wrote nothing for too long.",
        MessageFailure::ModelRejected => "The language model did not accept the question.",
        MessageFailure::InvalidAnswer => "What the language model sent cannot be read.",
        MessageFailure::AnswerCut => "The language model stopped in the middle of the answer.",
        MessageFailure::DeadlineExceeded => "The answer took too long.",
    };
    Refusal::unavailable(failure.as_str(), text)
}
