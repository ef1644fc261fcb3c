//! The origin of a request: who sends it, from where.

use std::net::IpAddr;

use super::ids::{ApiKeyId, SessionId, UserId};

/// The request, as the gateway describes it.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// In `X-Request-Id`, in every log line and in every audit event.
    pub id: String,
    /// The source address, from the gateway and from nowhere else: headers are the caller's to invent.
    pub address: Option<IpAddr>,
    /// The path of the request.
    pub path: String,
    /// The `User-Agent` header, cut to 512 characters.
    pub user_agent: Option<String>,
}

/// Who performs an action: a person or an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A person, in a session.
    User {
        /// The person's account.
        id: UserId,
        /// The session that the request belongs to.
        session: SessionId,
    },
    /// A program, by its API key.
    ApiKey(ApiKeyId),
}

impl Principal {
    /// Returns the person; `None` for an API key.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::ApiKey(_) => None,
        }
    }

    /// The owner of idempotency keys, as text.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user:{id}"),
            Self::ApiKey(id) => format!("api_key:{id}"),
        }
    }
}
