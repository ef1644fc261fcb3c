//! `/v1/auth/sessions`: the sign-ins of the caller.

pub mod cookie;
pub mod list;
pub mod logout;
pub mod logout_all;
pub mod refresh;
pub mod refresh_token;
pub mod revoke;
pub mod show;
pub mod user_agent;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{domain::ids::SessionId, store::sessions};
use user_agent::DeviceView;
use utoipa::{IntoParams, ToSchema};

/// A session: one sign-in on one device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionView {
    /// The session's id.
    pub id: SessionId,
    /// The `User-Agent` header of the sign-in.
    #[schema(example = "curl/8.5.0", max_length = 512)]
    user_agent: Option<String>,
    /// The device of the sign-in, as that header names it; null if it is unknown.
    device: Option<DeviceView>,
    /// The source address of the sign-in.
    #[schema(example = "203.0.113.7", min_length = 2, max_length = 39)]
    ip_address: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    /// The session expires then, unless it is refreshed before.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the session of this request.
    current: bool,
}

impl SessionView {
    /// Shows `session` to a caller in the session `current`.
    pub fn new(session: sessions::Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            device: DeviceView::read(session.user_agent.as_deref()),
            user_agent: session.user_agent,
            ip_address: session.ip_address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            current: session.id == current,
        }
    }
}

/// The path of a session.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SessionPath {
    /// The session's id.
    id: SessionId,
}
