//! The wire format of chat completions: what is sent, and what servers send.

use std::fmt;

use anyhow::anyhow;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};
use serde_json::Value;

use super::{ChatError, ChatRequest};
use crate::{domain::prompt::PromptMessage, http_client::openai::error_code};

/// A count above it is a bug of the server.
const MAX_TOKENS: u64 = 100_000_000;

/// Why an answer has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model has said everything.
    Stop,
    /// It may not write more tokens.
    Length,
    /// A filter of the server removed the rest.
    Filtered,
}

/// The tokens to pay, as the server reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenCounts {
    pub prompt: u64,
    pub completion: u64,
}

impl Finish {
    fn read(reason: &str) -> Self {
        match reason {
            "length" | "max_tokens" => Self::Length,
            "content_filter" => Self::Filtered,
            _ => Self::Stop,
        }
    }
}

impl TokenCounts {
    /// Reads the counts of a server; `None` for counts that cannot be: no prompt is empty. Some servers send zeros until the end.
    fn read(usage: &Value) -> Option<Self> {
        let count = |name: &str| usage[name].as_u64().filter(|count| *count <= MAX_TOKENS);
        let prompt = count("prompt_tokens").filter(|count| *count > 0)?;
        let completion = count("completion_tokens").or_else(|| count("total_tokens")?.checked_sub(prompt))?;
        Some(Self { prompt, completion })
    }
}

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: &'a [PromptMessage],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Body<'a> {
    pub fn new(request: &ChatRequest<'a>, new_name: bool) -> Self {
        let ChatRequest { model, messages, max_tokens } = *request;
        Self {
            model,
            messages,
            max_tokens: (!new_name).then_some(max_tokens),
            max_completion_tokens: new_name.then_some(max_tokens),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    index: Option<u64>,
    delta: Option<Delta>,
    /// In place of `delta`, from a server that does not stream.
    message: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<Content>,
}

/// A text, or a list of parts. As bytes, because it may begin or end with half of a character ([`super::surrogates`]).
struct Content(Vec<u8>);

#[derive(Deserialize)]
struct Part {
    r#type: Option<String>,
    text: Option<Content>,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Content;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a list of parts")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Content, E> {
                Ok(Content(bytes.to_vec()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
                let mut bytes = Vec::new();
                // Parts that are no text, such as thoughts, are left out.
                while let Some(Part { r#type, text }) = parts.next_element()? {
                    if r#type.as_deref() == Some("text") {
                        bytes.extend(text.map_or_else(Vec::new, |text| text.0));
                    }
                }
                Ok(Content(bytes))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// What an event says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// As in [`Content`].
    pub text: Vec<u8>,
    pub finish: Option<Finish>,
    pub usage: Option<TokenCounts>,
}

impl Piece {
    /// Reads an event. Everything is optional that an answer does not need.
    pub fn read(event: &[u8]) -> Result<Self, ChatError> {
        let event = event.trim_ascii();
        if event.is_empty() {
            return Ok(Self::default());
        }
        // serde reads an array as a struct too.
        if !event.starts_with(b"{") {
            return Err(ChatError::Invalid("an event is not a JSON object".to_owned()));
        }
        let chunk: Chunk = serde_json::from_slice(event).map_err(|error| {
            // Not its message, which may repeat a part of the text.
            ChatError::Invalid(format!("{:?} error of JSON at byte {}", error.classify(), error.column()))
        })?;
        if chunk.error.is_some_and(|error| !error.is_null()) {
            return Err(ChatError::Unavailable(anyhow!("error in the stream, {}", error_code(event))));
        }
        let usage = chunk.usage.as_ref().and_then(TokenCounts::read);
        let choices = chunk.choices.unwrap_or_default();
        let choice = choices.into_iter().find(|choice| choice.index.is_none_or(|index| index == 0));
        let Some(Choice { delta, message, finish_reason, .. }) = choice else {
            return Ok(Self { usage, ..Self::default() });
        };
        let content = delta.or(message).and_then(|delta| delta.content);
        // Some servers send an empty reason with each token.
        let reason = finish_reason.as_deref().filter(|reason| !reason.is_empty());
        if reason == Some("error") {
            return Err(ChatError::Unavailable(anyhow!("the server ended the answer with an error")));
        }
        let text = content.map_or_else(Vec::new, |content| content.0);
        Ok(Self { text, finish: reason.map(Finish::read), usage })
    }
}
