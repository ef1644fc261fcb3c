//! The text of an answer while it is written: what of it is sent, and what is stored.

use std::time::Duration;

use shared::domain::conversation::{FLUSH_BYTES, MAX_ANSWER_BYTES};
use tokio::time::Instant;

use crate::events::Events;

/// Texts that come within this time are sent as one event.
const DELTA_INTERVAL: Duration = Duration::from_millis(40);
/// The text is stored so often, also to see whether it is cancelled.
const FLUSH_INTERVAL: Duration = Duration::from_secs(2);

pub struct Draft {
    pub text: String,
    /// In bytes.
    sent: usize,
    /// In bytes.
    stored: usize,
    last_delta: Option<Instant>,
    last_flush: Instant,
    events: Events,
}

impl Draft {
    pub fn new(events: Events) -> Self {
        let last_flush = Instant::now();
        Self { text: String::new(), sent: 0, stored: 0, last_delta: None, last_flush, events }
    }

    /// Adds text, and sends it if enough time has passed since the last event. Returns whether more may follow.
    pub fn push(&mut self, more: &str) -> bool {
        // The database has no text with a NUL.
        self.text.extend(more.chars().filter(|c| *c != '\0'));
        let is_full = self.text.len() > MAX_ANSWER_BYTES;
        if is_full {
            self.text.truncate(self.text.floor_char_boundary(MAX_ANSWER_BYTES));
        }
        if self.delta_due().is_some_and(|due| due <= Instant::now()) {
            self.send();
        }
        !is_full
    }

    /// Returns when the next event is to be sent; `None` if there is nothing to send.
    pub fn delta_due(&self) -> Option<Instant> {
        let waits = self.sent < self.text.len();
        waits.then(|| self.last_delta.map_or_else(Instant::now, |last| last + DELTA_INTERVAL))
    }

    /// Sends what is not sent yet.
    pub fn send(&mut self) {
        if self.sent < self.text.len() {
            self.events.delta(&self.text[self.sent..]);
            self.sent = self.text.len();
            self.last_delta = Some(Instant::now());
        }
    }

    /// Returns when the text is to be stored.
    pub fn flush_due(&self) -> Instant {
        // Half of what may get lost: more comes while it is stored.
        let is_long = self.text.len() - self.stored >= FLUSH_BYTES / 2;
        if is_long { Instant::now() } else { self.last_flush + FLUSH_INTERVAL }
    }

    /// Returns the text, to be stored now.
    pub fn flush(&mut self) -> String {
        self.stored = self.text.len();
        self.last_flush = Instant::now();
        self.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[test]
    fn answer_ends_at_its_longest_length_between_characters() {
        let (sender, _receiver) = unbounded_channel();
        let mut draft = Draft::new(Events::new(sender));
        assert!(draft.push("a\0b"));
        assert_eq!(draft.text, "ab");
        assert!(draft.push(&"x".repeat(MAX_ANSWER_BYTES - 3)));
        assert!(!draft.push("😀"));
        assert_eq!(draft.text.len(), MAX_ANSWER_BYTES - 1);
    }

    #[tokio::test]
    async fn texts_are_joined() {
        let (sender, mut receiver) = unbounded_channel();
        let mut draft = Draft::new(Events::new(sender));
        assert_eq!(draft.delta_due(), None);
        draft.push("first");
        assert_eq!(draft.delta_due(), None, "the first one is sent at once");
        draft.push(" second");
        draft.push(" third");
        assert!(draft.delta_due().is_some_and(|due| due > Instant::now()));
        draft.send();
        drop(draft);
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(format!("{event:?}"));
        }
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(events[1].contains("second third"), "{events:?}");
    }

    #[tokio::test]
    async fn long_text_is_stored_at_once() {
        let (sender, _receiver) = unbounded_channel();
        let mut draft = Draft::new(Events::new(sender));
        draft.push("a");
        assert!(draft.flush_due() > Instant::now());
        draft.push(&"x".repeat(FLUSH_BYTES));
        assert!(draft.flush_due() <= Instant::now());
        assert_eq!(draft.flush().len(), FLUSH_BYTES + 1);
        assert!(draft.flush_due() > Instant::now());
    }
}
