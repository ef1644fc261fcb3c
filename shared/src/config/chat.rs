//! `OPENAI_*`: the language model.

use std::time::Duration;

use super::{Setting, section::section};

section! {
    /// Language model: accepted and checked, not used yet
    pub struct Chat {
        /// The key of the API.
        api_key: Setting = setting("OPENAI_API_KEY") {
            used_by: "none",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/openai-AbCdEf:key::"
        };
        /// Most tokens of an answer.
        max_tokens: u32 = number("OPENAI_MAX_TOKENS", 4_096, 1..=1_000_000) { used_by: "none" };
        /// The timeout of a call.
        timeout: Duration = millis("OPENAI_TIMEOUT", 30_000) { used_by: "none" };
    }
}
