//! A piece of the text of an artifact, as it is stored and as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;

use super::ids::ChunkId;

/// A piece of the text of an artifact.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactChunk {
    pub id: ChunkId,
    /// Its place in the artifact, from 0.
    #[schema(minimum = 0, maximum = 4999)]
    pub ordinal: i32,
    /// The page on which it begins, from 1; null if the file has no pages.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub page: Option<i32>,
    /// The heading above it; null without one.
    #[schema(max_length = 1000)]
    pub heading: Option<String>,
    /// Its first character in the whole text, from 0.
    #[serde(rename = "start")]
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub starts: i32,
    /// The character after its last one.
    #[serde(rename = "end")]
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub ends: i32,
    #[schema(example = "The Analytical Engine weaves algebraic patterns.", max_length = 10_000)]
    pub text: String,
}
