//! `OPENAI_*`, `EMBEDDING_*`, `CHAT_*`, `MODEL_PRICES`: language models.

use std::time::Duration;

use url::Url;

use super::{Prices, Setting, reader::Reader, section::section};

/// The function that answers has 300 s. At the end it stores the answer, and tries again for some seconds.
const MAX_CHAT_DEADLINE: Duration = Duration::from_secs(270);

section! {
    /// Language models, by an API that is compatible with OpenAI's
    pub struct Models {
        /// The API. Calls go to `<url>/embeddings` and `<url>/chat/completions`.
        base_url: Url = url_or("OPENAI_BASE_URL", "https://api.openai.com/v1") { used_by: "answers, index, search" };
        /// The key of the API. Without one, none is sent.
        api_key: Setting = setting("OPENAI_API_KEY") {
            used_by: "answers, index, search",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/openai-AbCdEf:key::"
        };
        /// The model of embeddings. How to change it: `docs/operations/search.md`.
        embedding_model: String = text("EMBEDDING_MODEL", "text-embedding-3-small") {
            used_by: "answers, index, search",
            allowed: "the name of a model"
        };
        /// The length of its vectors.
        embedding_dimensions: u32 = number("EMBEDDING_DIMENSIONS", 768, 1..=768) { used_by: "answers, index, search" };
        /// Whether the request asks for this length. `false` for a model with vectors of one length: its server may refuse to be asked.
        embedding_sends_dimensions: bool = flag("EMBEDDING_SEND_DIMENSIONS", true) { used_by: "answers, index, search" };
        /// The model that replaces `EMBEDDING_MODEL` soon, of the same API. `index` embeds existing artifacts with it on demand.
        embedding_next_model: String = text("EMBEDDING_NEXT_MODEL", "") {
            used_by: "index",
            allowed: "the name of a model",
            example: "text-embedding-3-large"
        };
        /// The length of its vectors.
        embedding_next_dimensions: u32 = number("EMBEDDING_NEXT_DIMENSIONS", 768, 1..=768) { used_by: "index" };
        /// Whether the request asks for this length.
        embedding_next_sends_dimensions: bool = flag("EMBEDDING_NEXT_SEND_DIMENSIONS", true) { used_by: "index" };
        /// What a million tokens of each model cost, in one currency. Costs are in `usage_days`. Without prices they are 0; with prices, that of
        /// the embedding models is needed.
        prices: Prices = prices("MODEL_PRICES") {
            used_by: "answers, index, retention, search",
            example: "text-embedding-3-small=0.02,gpt-4.1-mini=0.40/1.60"
        };
        /// The models of chat, separated by commas. The first one is the model of a conversation that names none.
        chat_models: Vec<String> = names("CHAT_MODELS", "gpt-4.1-mini") { used_by: "answers, chat" };
        /// Most tokens of an answer.
        max_tokens: u32 = number("OPENAI_MAX_TOKENS", 4_096, 1..=1_000_000) { used_by: "answers" };
        /// Most tokens of a question with its sources and the messages before it.
        chat_context_tokens: u32 = number("CHAT_CONTEXT_TOKENS", 12_000, 1_000..=1_000_000) { used_by: "answers" };
        /// The longest time of an answer, at most 270 s.
        chat_deadline: Duration = millis("CHAT_DEADLINE", 240_000) { used_by: "answers" };
        /// A conversation is removed so long after its last message.
        chat_retention: Duration = duration("CHAT_RETENTION", "365d") { used_by: "retention" };
        /// The timeout of a call.
        timeout: Duration = millis("OPENAI_TIMEOUT", 30_000) { used_by: "answers, index, search" };
    }
}

impl Models {
    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        for model in [&self.embedding_model, &self.embedding_next_model] {
            if !model.is_empty() && self.prices.lack(model) {
                reader.problem(format!("MODEL_PRICES has no price of the model {model:?}"));
            }
        }
        if self.chat_deadline > MAX_CHAT_DEADLINE {
            reader.problem("CHAT_DEADLINE is more than 270000 ms".to_owned());
        }
    }
}
