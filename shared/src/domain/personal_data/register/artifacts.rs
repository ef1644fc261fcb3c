//! The tables of artifacts and of the use of language models.

use super::{id, operational, personal};
use crate::domain::personal_data::{Erasure, Retention, Table};

pub const LABELS: Table = Table {
    name: "labels",
    // They belong to the organization, and say nothing about who created them.
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("id", "identifies the label"),
        id("organization_id", "organization that owns the label"),
        operational("name", "name of the label"),
        operational("created_at", "time of creation"),
        operational("updated_at", "time of the last change"),
        operational("version", "detects concurrent changes"),
    ],
};

pub const ARTIFACTS: Table = Table {
    name: "artifacts",
    whose: Some("created_by = $1"),
    names: None,
    // Its content is overwritten at the deletion.
    retention: Retention::Restorable,
    // An artifact belongs to the organization. Those of an organization of the user alone are deleted before (`accounts::erasure`).
    erasure: Erasure::Overwrite,
    columns: &[
        id("id", "identifies the artifact"),
        id("organization_id", "organization that owns the artifact"),
        personal("name", "name of the artifact"),
        personal("description", "description of the artifact"),
        personal("media_type", "type of the file"),
        personal("byte_size", "size of the file"),
        operational("sha256", "verifies the file, and finds the same content"),
        operational("generation", "counts the uploads"),
        operational("status", "state of the processing"),
        operational("stage", "step of the processing"),
        operational("failure", "reason why the processing failed"),
        operational("failure_detail", "details of the failure"),
        operational("attempts", "counts the attempts of the processing"),
        operational("lease_until", "lets one function work on the artifact"),
        operational("chunks_done", "progress of the processing"),
        operational("chunks_total", "number of chunks"),
        operational("language", "language of the keyword search"),
        operational("chunker", "version of the code that cut the text"),
        operational("duplicate_allowed", "whether another artifact may have the same content"),
        id("created_by", "user who created the artifact").erased("NULL"),
        id("created_by_key", "API key that created the artifact"),
        operational("progressed_at", "time of the last progress"),
        personal("created_at", "time of creation"),
        operational("updated_at", "time of the last change"),
        operational("indexed_at", "time since which a search finds it"),
        operational("deleted_at", "time of deletion"),
        operational("version", "detects concurrent changes"),
    ],
};

pub const ARTIFACT_LABELS: Table = Table {
    name: "artifact_labels",
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("artifact_id", "artifact with the label"),
        id("label_id", "label of the artifact"),
        id("organization_id", "organization that owns both"),
    ],
};

pub const CHUNKS: Table = Table {
    name: "chunks",
    // The text of artifacts. It is deleted with its artifact, and downloaded with it.
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("id", "identifies the chunk"),
        id("organization_id", "organization that owns the artifact"),
        id("artifact_id", "artifact of the chunk"),
        operational("ordinal", "place in the artifact"),
        operational("text", "text of the chunk"),
        operational("heading", "heading above the text"),
        operational("page", "page of the text"),
        operational("starts", "first character in the artifact"),
        operational("ends", "last character in the artifact"),
        operational("terms", "words that a search finds"),
    ],
};

pub const CHUNK_VECTORS: Table = Table {
    name: "chunk_vectors",
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("chunk_id", "chunk of the vector"),
        id("organization_id", "organization that owns the artifact"),
        id("artifact_id", "artifact of the chunk"),
        operational("space", "model of the vector"),
        operational("embedding", "meaning of the chunk"),
        operational("code", "signs of the embedding"),
    ],
};

pub const EMBEDDING_SPACES: Table = Table {
    name: "embedding_spaces",
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        operational("id", "identifies the model"),
        operational("model", "name of the model"),
        operational("dimensions", "length of its vectors"),
    ],
};

pub const ORGANIZATION_TOTALS: Table = Table {
    name: "organization_totals",
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("organization_id", "organization that is counted"),
        operational("artifacts", "number of artifacts"),
        operational("bytes", "size of their files"),
        operational("chunks", "number of their chunks"),
    ],
};

pub const OBJECT_DELETIONS: Table = Table {
    name: "object_deletions",
    // Keys are made of ids.
    whose: None,
    names: None,
    retention: Retention::Object,
    erasure: Erasure::Keep,
    columns: &[
        operational("key", "object in storage that must be deleted"),
        operational("due_at", "time of the deletion"),
    ],
};

pub const TOKEN_BUDGETS: Table = Table {
    name: "token_budgets",
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("organization_id", "organization that uses the tokens"),
        operational("month", "month of the budget"),
        operational("used", "tokens that were used"),
        operational("reserved", "tokens of calls in progress"),
    ],
};

pub const TOKEN_RESERVATIONS: Table = Table {
    name: "token_reservations",
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("id", "identifies the call"),
        id("organization_id", "organization that uses the tokens"),
        operational("month", "month of the budget"),
        operational("tokens", "tokens that the call may use"),
        operational("expires_at", "latest end of the call"),
    ],
};

pub const USAGE_DAYS: Table = Table {
    name: "usage_days",
    whose: None,
    names: None,
    retention: Retention::Organization,
    erasure: Erasure::Keep,
    columns: &[
        id("organization_id", "organization that used the model"),
        operational("day", "day of the use"),
        operational("kind", "purpose of the use"),
        operational("model", "name of the model"),
        operational("prompt_tokens", "tokens that were sent"),
        operational("completion_tokens", "tokens that were received"),
        operational("estimated_tokens", "tokens that the model did not report"),
        operational("cost_micros", "cost of the tokens"),
    ],
};
