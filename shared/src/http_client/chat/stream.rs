//! An answer while it is read.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tracing::Span;

use super::{
    super::{
        DeadlineExceeded, HttpError, Response,
        event_stream::{EventStream, TooLong},
    },
    ChatError,
    surrogates::Joiner,
    wire::{Finish, Piece, TokenCounts},
};
use crate::cache::breaker::Permit;

/// After the end of an answer, its usage is waited for so long.
const USAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// An answer that a model is writing. Dropping it closes the connection, and the server stops.
pub struct ChatStream {
    response: Response,
    events: EventStream,
    halves: Joiner,
    /// Or the answer comes in one piece, from a server that does not stream.
    is_stream: bool,
    silence: Duration,
    last_event: Instant,
    /// The permission of the breaker, until the first text.
    permit: Option<Permit>,
    /// What the server said about the end.
    finish: Option<Finish>,
    usage: Option<TokenCounts>,
    /// The server has closed the connection.
    closed: bool,
    done: bool,
    /// Until the end of the answer.
    span: Span,
}

impl ChatStream {
    pub(super) fn new(response: Response, permit: Permit, silence: Duration, span: Span) -> Self {
        let is_stream =
            !response.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let mut events = EventStream::default();
        if !is_stream {
            _ = events.push(b"data: ");
        }
        Self {
            response,
            events,
            halves: Joiner::default(),
            is_stream,
            silence,
            last_event: Instant::now(),
            permit: Some(permit),
            finish: None,
            usage: None,
            closed: false,
            done: false,
            span,
        }
    }

    /// Returns the next text; `None` at the end of the answer.
    pub async fn next(&mut self) -> Result<Option<String>, ChatError> {
        let next = self.read().await;
        if next.is_err() {
            self.span.record("error.type", "failed");
        }
        if let Some(permit) = self.permit.take() {
            match &next {
                Err(error) if error.is_outage() => permit.failed().await,
                _ => permit.succeeded().await,
            }
        }
        next
    }

    /// Returns why the answer has ended. [`Finish::Stop`], if the server did not say.
    #[must_use]
    pub fn finish(&self) -> Finish {
        self.finish.unwrap_or(Finish::Stop)
    }

    /// Returns the tokens that the server has reported so far.
    #[must_use]
    pub fn usage(&self) -> Option<TokenCounts> {
        self.usage
    }

    async fn read(&mut self) -> Result<Option<String>, ChatError> {
        while !self.done {
            while let Some(event) = self.events.next() {
                self.last_event = Instant::now();
                if event.trim_ascii() == b"[DONE]" {
                    self.done = true;
                    return Ok(None);
                }
                let Piece { text, finish, usage } = Piece::read(&event)?;
                self.finish = finish.or(self.finish);
                if let Some(TokenCounts { prompt, completion }) = usage {
                    self.span.record("gen_ai.usage.input_tokens", prompt);
                    self.span.record("gen_ai.usage.output_tokens", completion);
                    self.usage = usage;
                }
                let text = self.halves.join(&text);
                if !text.is_empty() {
                    return Ok(Some(text));
                }
            }
            if !self.closed {
                self.receive().await?;
            } else if self.finish.is_some() {
                self.done = true;
            } else {
                return Err(ChatError::Cut);
            }
        }
        Ok(None)
    }

    /// Reads more bytes, until the end of the stream or of the time.
    async fn receive(&mut self) -> Result<(), ChatError> {
        // Comments are no sign of life of the model: the time counts from event to event.
        let is_whole = self.finish.is_some();
        let limit = self.last_event + if is_whole { USAGE_TIMEOUT.min(self.silence) } else { self.silence };
        match timeout_at(limit, self.response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let pushed = if self.is_stream {
                    self.events.push(chunk.as_ref())
                } else {
                    // JSON has line breaks between values only.
                    let break_to_space = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
                    self.events.push(&chunk.as_ref().iter().map(break_to_space).collect::<Vec<_>>())
                };
                pushed.map_err(|TooLong| ChatError::Invalid("an event is too long".to_owned()))
            }
            Ok(Ok(None)) => {
                self.events.end();
                self.closed = true;
                Ok(())
            }
            // Only its usage is missing.
            _ if is_whole => {
                self.closed = true;
                Ok(())
            }
            Ok(Err(HttpError::Unavailable(cause))) if !cause.is::<DeadlineExceeded>() => {
                self.closed = true;
                Ok(())
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(ChatError::TimedOut),
        }
    }
}
