//! The refusals of this function, besides those of [`shared::auth::member`].

use shared::Refusal;

pub const NO_SUCH_CONVERSATION: Refusal =
    Refusal::not_found("conversation-not-found", "You have no such conversation in this organization.");
pub const NO_SUCH_MESSAGE: Refusal =
    Refusal::not_found("message-not-found", "The conversation has no such message.");
pub const NO_SUCH_MODEL: Refusal =
    Refusal::invalid("no-such-model", "This model cannot be used here; see errors.");
pub const NOT_STREAMING: Refusal =
    Refusal::conflict("not-streaming", "This message is not being written, so it cannot be cancelled.");
