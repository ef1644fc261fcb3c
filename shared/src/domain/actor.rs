//! The origin of a request: the sender and the source.

use std::net::IpAddr;

use super::ids::{ApiKeyId, SessionId, UserId};

/// A request, as described by the gateway.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// In `X-Request-Id`, in every log line and in every audit event.
    pub id: String,
    /// The source address. It comes from the gateway only, because the caller can invent headers.
    pub address: Option<IpAddr>,
    /// The path of the request.
    pub path: String,
    /// The `User-Agent` header, cut to 512 characters.
    pub user_agent: Option<String>,
}

/// The sender of an action: a user or an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A user, in a session.
    User {
        id: UserId,
        /// The session of the request.
        session: SessionId,
    },
    /// A program, with its API key.
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

    /// Returns the owner of idempotency keys, as text.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user:{id}"),
            Self::ApiKey(id) => format!("api_key:{id}"),
        }
    }
}
