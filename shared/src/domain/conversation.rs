//! Conversations with a language model: the words of their states, and their limits.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most messages of a conversation, questions and answers.
pub const MAX_MESSAGES: i64 = 400;
/// The longest question, in bytes of UTF-8.
pub const MAX_CONTENT_BYTES: usize = 32_000;
/// The longest answer, in bytes of UTF-8. An answer that reaches it ends with [`MessageStatus::Length`].
pub const MAX_ANSWER_BYTES: usize = 262_144;
/// What may be written of an answer before it is stored again, in bytes.
pub const FLUSH_BYTES: usize = 2_048;
/// A reservation of tokens lives so much longer than the deadline of its answer: the answer is settled first.
pub const RESERVATION_MARGIN: TimeDelta = TimeDelta::minutes(30);

text_enum!(
    /// Who wrote a message.
    MessageRole {
        User = "user",
        Assistant = "assistant",
    }
);

text_enum!(
    /// The state of a message. A message of a user is `complete` at once.
    MessageStatus {
        /// It is whole.
        Complete = "complete",
        /// The model is writing it. This is the only state that changes.
        Streaming = "streaming",
        /// It was cancelled: `content` is what was written before.
        Cancelled = "cancelled",
        /// It reached the longest length of an answer.
        Length = "length",
        /// It stopped without an end: `content` is what was stored before.
        Interrupted = "interrupted",
        /// The model failed: `content` is what was written before.
        Failed = "failed",
    }
);

text_enum!(
    /// The reason why an answer failed.
    MessageFailure {
        /// The model could not be reached, or has too much to do.
        ModelUnavailable = "model-unavailable",
        /// The model wrote nothing for too long.
        ModelTimedOut = "model-timed-out",
        /// The model does not accept the request.
        ModelRejected = "model-rejected",
        /// What the model sent cannot be read.
        InvalidAnswer = "invalid-answer",
        /// The model stopped in the middle.
        AnswerCut = "answer-cut",
        /// The answer took too long.
        DeadlineExceeded = "deadline-exceeded",
    }
);

text_enum!(
    /// How the sources of an answer were found.
    Retrieval {
        /// None were wanted.
        None = "none",
        /// By meaning and by words.
        Hybrid = "hybrid",
        /// By words only: the model of meanings was unavailable, or the organization has used its tokens of this month.
        KeywordOnly = "keyword-only",
        /// The search failed. The answer has no sources.
        Unavailable = "unavailable",
    }
);

/// A place in an answer that names one of its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// The number of the source.
    #[schema(minimum = 1, maximum = 50)]
    pub n: i16,
    /// The first character in the content. Characters are Unicode scalar values, not bytes or UTF-16 units.
    #[schema(minimum = 0, maximum = 262_144)]
    pub start: i32,
    /// The character after the last one.
    #[schema(minimum = 0, maximum = 262_144)]
    pub end: i32,
}
