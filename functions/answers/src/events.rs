//! The events of a stream: `message`, `sources`, `delta`, and at its end `done` or `error`.

use serde::Serialize;
use shared::{
    Refusal,
    domain::{
        actor::RequestInfo,
        conversation::{Citation, MessageStatus, Retrieval},
        ids::{ArtifactId, ChunkId, MessageId},
    },
    http::{problem, stream::Event},
    store::{message_sources::Source, messages::TokenUsage},
};
use tokio::sync::mpsc::UnboundedSender;

/// Sends events to a client. Cheap to clone.
#[derive(Clone)]
pub struct Events(UnboundedSender<Event>);

/// The first event: which messages are written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageEvent<'a> {
    /// The id of the question.
    pub user_message_id: Option<MessageId>,
    /// The id of the answer.
    pub message_id: MessageId,
    pub model: &'a str,
}

/// A passage that the model was given.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceEvent<'a> {
    n: i16,
    artifact_id: Option<ArtifactId>,
    name: &'a str,
    page: Option<i32>,
    chunk_id: ChunkId,
}

/// More of the text.
#[derive(Serialize)]
struct DeltaEvent<'a> {
    text: &'a str,
}

/// The end of an answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneEvent<'a> {
    pub status: MessageStatus,
    pub retrieval: Option<Retrieval>,
    pub citations: &'a [Citation],
    pub usage: Option<TokenUsage>,
    /// The tokens of the organization in this month; null in the stream of a repeated request.
    pub budget: Option<BudgetView>,
}

/// The tokens that an organization has used in this month, and may use.
#[derive(Serialize)]
pub struct BudgetView {
    pub used: i64,
    pub limit: i64,
}

impl Events {
    pub fn new(sender: UnboundedSender<Event>) -> Self {
        Self(sender)
    }

    /// Waits until the client has left.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    pub fn message(&self, message: &MessageEvent<'_>) {
        self.send("message", message);
    }

    pub fn sources(&self, sources: &[Source]) {
        let views = sources.iter().map(|source| SourceEvent {
            n: source.n,
            artifact_id: source.artifact_id,
            name: &source.name,
            page: source.page,
            chunk_id: source.chunk_id,
        });
        self.send("sources", &views.collect::<Vec<_>>());
    }

    pub fn delta(&self, text: &str) {
        self.send("delta", &DeltaEvent { text });
    }

    pub fn done(&self, done: &DoneEvent<'_>) {
        self.send("done", done);
    }

    pub fn error(&self, refusal: Refusal, request: &RequestInfo) {
        self.send("error", &problem::document(refusal, request));
    }

    fn send(&self, name: &'static str, data: &impl Serialize) {
        match Event::new(name, data) {
            // The client may have left.
            Ok(event) => _ = self.0.send(event),
            Err(error) => tracing::error!(%error, name, "event not written"),
        }
    }
}
