//! The origin of a request: its sender and source.

use std::net::IpAddr;

use super::ids::{ApiKeyId, SessionId, UserId};

/// The request, as the gateway describes it.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// In `X-Request-Id`, in every log line and in every audit event.
    pub id: String,
    /// The source address. Only from the gateway: a caller can put anything into a header.
    pub address: Option<IpAddr>,
    pub path: String,
    /// At most 512 characters.
    pub user_agent: Option<String>,
}

/// The authenticated sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    User { id: UserId, session: SessionId },
    ApiKey(ApiKeyId),
}

impl Principal {
    /// Returns the user; `None` for an API key.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::ApiKey(_) => None,
        }
    }

    /// Returns the API key; `None` for a user.
    #[must_use]
    pub fn api_key_id(&self) -> Option<ApiKeyId> {
        match self {
            Self::User { .. } => None,
            Self::ApiKey(id) => Some(*id),
        }
    }

    /// Returns the owner of idempotency keys.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user:{id}"),
            Self::ApiKey(id) => format!("api_key:{id}"),
        }
    }
}
