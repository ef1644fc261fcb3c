//! What a client says about a conversation.

use serde::Deserialize;
use shared::{ApiError, config::Models};
use utoipa::ToSchema;

use crate::refusals;

/// A title of a conversation: 1 to 200 characters.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 200, example = "Retention of backups",
    pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$",
)]
pub struct Title(String);

impl AsRef<str> for Title {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Title {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let title = raw.trim();
        // The database has no text with a NUL.
        match title.chars().count() {
            1..=200 if !title.contains('\0') => Ok(Self(title.to_owned())),
            _ => Err("a title has 1 to 200 characters"),
        }
    }
}

/// The name of a model: 1 to 200 characters.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 1, max_length = 200, example = "gpt-4.1-mini", pattern = r"^[^\u0000]+$")]
pub struct ModelName(String);

impl TryFrom<String> for ModelName {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let valid = (1..=200).contains(&raw.chars().count()) && !raw.contains('\0');
        if valid { Ok(Self(raw)) } else { Err("the name of a model has 1 to 200 characters") }
    }
}

impl ModelName {
    /// Returns the name. Refuses a model that is not in `CHAT_MODELS`.
    pub fn known<'a>(&'a self, models: &Models) -> Result<&'a str, ApiError> {
        if models.chat_models.contains(&self.0) {
            Ok(&self.0)
        } else {
            Err(refusals::NO_SUCH_MODEL.at("/model"))
        }
    }
}
