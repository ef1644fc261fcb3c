//! The tables of conversations with language models.

use super::{id, operational, personal};
use crate::domain::personal_data::{Erasure, Retention, Table};

pub const CONVERSATIONS: Table = Table {
    name: "conversations",
    // Those of an API key belong to the organization, as the key does.
    whose: Some("created_by = $1"),
    names: None,
    retention: Retention::Conversation,
    // Its messages and their sources go with it (ON DELETE CASCADE).
    erasure: Erasure::Delete,
    columns: &[
        id("id", "identifies the conversation"),
        id("organization_id", "organization in which it was held"),
        id("created_by", "user of the conversation"),
        id("api_key_id", "API key of the conversation"),
        personal("title", "title of the conversation"),
        personal("model", "language model that answers"),
        personal("created_at", "time of creation"),
        operational("updated_at", "time of the last change"),
        personal("last_message_at", "time of the last question"),
        operational("deleted_at", "time of deletion"),
        operational("version", "detects concurrent changes"),
    ],
};

pub const MESSAGES: Table = Table {
    name: "messages",
    whose: Some("conversation_id IN (SELECT c.id FROM conversations c WHERE c.created_by = $1)"),
    names: None,
    retention: Retention::ConversationPart,
    erasure: Erasure::Delete,
    columns: &[
        id("id", "identifies the message"),
        id("organization_id", "organization of the conversation"),
        id("conversation_id", "conversation of the message"),
        personal("role", "who wrote the message: the user, or a language model"),
        personal("status", "whether the message is whole"),
        personal("content", "text of the message"),
        operational("failure", "reason why an answer failed"),
        personal("model", "language model that answered"),
        operational("prompt_tokens", "tokens that were sent"),
        operational("completion_tokens", "tokens that were received"),
        operational("usage_estimated", "whether the tokens are estimated"),
        operational("retrieval", "how the sources of an answer were found"),
        operational("citations", "places in an answer that name a source"),
        operational("request_key", "finds a repeated request"),
        operational("request_hash", "detects another request with the same key"),
        operational("deadline_at", "latest end of an answer"),
        operational("cancel_requested_at", "time at which an answer was cancelled"),
        personal("created_at", "time of the message"),
        operational("finished_at", "end of an answer"),
    ],
};

pub const MESSAGE_SOURCES: Table = Table {
    name: "message_sources",
    whose: Some(
        "message_id IN (SELECT m.id FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.created_by = $1)",
    ),
    names: None,
    retention: Retention::ConversationPart,
    erasure: Erasure::Delete,
    columns: &[
        id("id", "identifies the source"),
        id("organization_id", "organization of the conversation"),
        id("message_id", "answer with the source"),
        personal("n", "number of the source in the answer"),
        id("artifact_id", "artifact of the passage"),
        id("chunk_id", "chunk of the passage"),
        personal("artifact_name", "name of the artifact"),
        personal("page", "page of the passage"),
        personal("quote", "passage that the language model was given"),
    ],
};
