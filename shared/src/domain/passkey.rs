//! A passkey, as an answer shows it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{domain::ids::PasskeyId, store::passkeys::Passkey};

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Passkey)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyView {
    pub id: PasskeyId,
    /// What its user calls it.
    #[schema(max_length = 100)]
    name: String,
    /// Whether it was on several devices, or in a backup, when it was last used.
    backed_up: bool,
    created_at: DateTime<Utc>,
    /// `null` if it was not used yet.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Passkey> for PasskeyView {
    fn from(passkey: Passkey) -> Self {
        let Passkey { id, name, backed_up, created_at, last_used_at, version: _ } = passkey;
        Self { id, name, backed_up, created_at, last_used_at }
    }
}
