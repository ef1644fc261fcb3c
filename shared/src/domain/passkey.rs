//! A passkey, as an answer shows it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::ids::PasskeyId;

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Passkey)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyView {
    pub id: PasskeyId,
    /// What its user calls it.
    #[schema(max_length = 100)]
    pub name: String,
    /// Whether it was on several devices, or in a backup, when it was last used.
    pub backed_up: bool,
    pub created_at: DateTime<Utc>,
    /// `null` if it was not used yet.
    pub last_used_at: Option<DateTime<Utc>>,
}
