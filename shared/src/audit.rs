//! The audit log: an event commits with what it describes, or neither does.

use crate::{
    http::RequestInfo,
    ids::{OrganizationId, SessionId, UserId},
};
use uuid::Uuid;

/// What happened. The names are part of the contract with those who read the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Someone made an account.
    UserRegistered,
    /// Someone changed their profile.
    UserUpdated,
    /// Someone deleted their account.
    UserDeleted,
    /// Someone proved that an address is theirs.
    EmailVerified,
    /// Someone chose a new password.
    PasswordChanged,
    /// Someone signed in, or tried to.
    SessionCreated,
    /// Someone ended a session, or all of them.
    SessionRevoked,
    /// A refresh token came back after it was used up: it has been stolen, or its successor has.
    RefreshTokenReused,
}

impl Action {
    /// The name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserRegistered => "user.registered",
            Self::UserUpdated => "user.updated",
            Self::UserDeleted => "user.deleted",
            Self::EmailVerified => "user.email_verified",
            Self::PasswordChanged => "user.password_changed",
            Self::SessionCreated => "session.created",
            Self::SessionRevoked => "session.revoked",
            Self::RefreshTokenReused => "session.refresh_token_reused",
        }
    }
}

/// One line of the log: who did what, to what, from where, with what outcome.
pub struct Event<'a> {
    /// What.
    pub action: Action,
    /// Whether it was allowed.
    pub denied: bool,
    /// Who, if we know.
    pub actor: Option<UserId>,
    /// Through which session.
    pub session: Option<SessionId>,
    /// In which organization.
    pub organization: Option<OrganizationId>,
    /// To what.
    pub target: Option<Uuid>,
    /// From where, and in which request.
    pub request: &'a RequestInfo,
}

impl<'a> Event<'a> {
    /// `actor` did `action` in `request`.
    #[must_use]
    pub fn new(action: Action, actor: UserId, request: &'a RequestInfo) -> Self {
        Self {
            action,
            denied: false,
            actor: Some(actor),
            session: None,
            organization: None,
            target: Some(actor.0),
            request,
        }
    }

    /// Through `session`.
    #[must_use]
    pub fn through(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// To the session `target`.
    #[must_use]
    pub fn to(self, target: Uuid) -> Self {
        Self { target: Some(target), ..self }
    }

    /// It was refused.
    #[must_use]
    pub fn denied(self) -> Self {
        Self { denied: true, ..self }
    }
}
