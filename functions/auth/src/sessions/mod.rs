//! `/v1/auth/sessions`: where the caller is signed in.

pub mod list;
pub mod revoke;
pub mod show;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{ids::SessionId, store::sessions};
use utoipa::ToSchema;

/// One sign-in on one device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// What the device said it is.
    #[schema(example = "curl/8.5.0", max_length = 512)]
    user_agent: Option<String>,
    /// Where it signed in from.
    #[schema(example = "203.0.113.7", min_length = 2, max_length = 39)]
    ip_address: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    /// When it ends if it is not refreshed.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionView {
    /// `session`, as someone in the session `current` sees it.
    pub fn of(session: sessions::Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            user_agent: session.user_agent,
            ip_address: session.ip_address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            current: session.id == current,
        }
    }
}
