//! `OPENAI_*`, `EMBEDDING_*`: language models.

use std::time::Duration;

use url::Url;

use super::{Setting, section::section};

section! {
    /// Language models, by an API that is compatible with OpenAI's
    pub struct Models {
        /// The API. Calls go to `<url>/embeddings`.
        base_url: Url = url_or("OPENAI_BASE_URL", "https://api.openai.com/v1") { used_by: "index, search" };
        /// The key of the API. Without one, none is sent.
        api_key: Setting = setting("OPENAI_API_KEY") {
            used_by: "index, search",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/openai-AbCdEf:key::"
        };
        /// The model of embeddings. Another model needs all artifacts to be indexed again.
        embedding_model: String = text("EMBEDDING_MODEL", "text-embedding-3-small") {
            used_by: "index, search",
            allowed: "the name of a model"
        };
        /// The length of its vectors.
        embedding_dimensions: u32 = number("EMBEDDING_DIMENSIONS", 768, 1..=768) { used_by: "index, search" };
        /// Whether the request asks for this length. `false` for a model with vectors of one length: its server may refuse to be asked.
        embedding_sends_dimensions: bool = flag("EMBEDDING_SEND_DIMENSIONS", true) { used_by: "index, search" };
        /// Most tokens of an answer.
        max_tokens: u32 = number("OPENAI_MAX_TOKENS", 4_096, 1..=1_000_000) { used_by: "none" };
        /// The timeout of a call.
        timeout: Duration = millis("OPENAI_TIMEOUT", 30_000) { used_by: "index, search" };
    }
}
