//! The audit log: an event commits with what it describes, or neither does.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::{
    actor::{Principal, RequestInfo},
    ids::{ApiKeyId, AuditEventId, OrganizationId, SessionId, UserId},
    timestamp::Timestamp,
};

text_enum!(
    /// What happened. The names are part of the contract with those who read the log.
    Action {
        /// An account was created.
        UserRegistered = "user.registered",
        /// A profile changed.
        UserUpdated = "user.updated",
        /// An account was deleted.
        UserDeleted = "user.deleted",
        /// A user proved that an address is theirs.
        EmailVerified = "user.email_verified",
        /// A user chose a new password.
        PasswordChanged = "user.password_changed",
        /// A user signed in, or tried to.
        SessionCreated = "session.created",
        /// A user ended a session, or all of them.
        SessionRevoked = "session.revoked",
        /// A link to choose a new password was requested.
        PasswordResetRequested = "user.password_reset_requested",
        /// A new password was chosen through such a link.
        PasswordReset = "user.password_reset",
        /// A link to sign in was requested.
        MagicLinkRequested = "user.magic_link_requested",
        /// A user asked to change their address.
        EmailChangeRequested = "user.email_change_requested",
        /// A user changed their address.
        EmailChanged = "user.email_changed",
        /// A copy of everything that is stored about a user was given out.
        UserExported = "user.exported",
        /// A user became an administrator of the system.
        UserAppointed = "user.appointed",
        /// A user is no longer an administrator of the system.
        UserDismissed = "user.dismissed",
        /// A user removed their password, or it was removed when the owner of the address took over an account that someone else
        /// may have created.
        PasswordRemoved = "user.password_removed",
        /// An administrator suspended a user.
        UserSuspended = "user.suspended",
        /// An administrator restored a user.
        UserRestored = "user.restored",
        /// An administrator overwrote every personal column of a user.
        UserErased = "user.erased",
        /// An administrator forbade the erasure of a user.
        LegalHoldPlaced = "user.legal_hold_placed",
        /// An administrator allowed the erasure of a user again.
        LegalHoldLifted = "user.legal_hold_lifted",
        /// An organization was created.
        OrganizationCreated = "organization.created",
        /// An organization's profile changed.
        OrganizationUpdated = "organization.updated",
        /// An organization was deleted.
        OrganizationDeleted = "organization.deleted",
        /// A member's role changed.
        MemberUpdated = "member.updated",
        /// A member was removed, or left.
        MemberRemoved = "member.removed",
        /// A person was invited.
        InvitationCreated = "invitation.created",
        /// An invitation was revoked.
        InvitationRevoked = "invitation.revoked",
        /// An invitation was accepted.
        InvitationAccepted = "invitation.accepted",
        /// An invitation was declined.
        InvitationDeclined = "invitation.declined",
        /// An API key was created.
        ApiKeyCreated = "api_key.created",
        /// An API key was renamed, or got other scopes.
        ApiKeyUpdated = "api_key.updated",
        /// An API key got a new secret.
        ApiKeyRotated = "api_key.rotated",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key.revoked",
        /// A member or an API key asked for what its role or scopes do not allow.
        AccessDenied = "access.denied",
        /// A refresh token was used again after its time: it was stolen, or its successor was.
        RefreshTokenReused = "session.refresh_token_reused",
    }
);

/// One line of the log: who did what, to what, from where, with what outcome.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// What.
    pub action: Action,
    /// Whether it was allowed.
    pub denied: bool,
    /// Who, if we know.
    pub actor: Option<UserId>,
    /// Through which session.
    pub session: Option<SessionId>,
    /// Through which API key.
    pub api_key: Option<ApiKeyId>,
    /// In which organization.
    pub organization: Option<OrganizationId>,
    /// To what.
    pub target: Option<Uuid>,
    /// From where, and in which request.
    pub request: &'a RequestInfo,
}

impl<'a> Event<'a> {
    /// Someone did `action` in `request`.
    #[must_use]
    pub fn anonymous(action: Action, request: &'a RequestInfo) -> Self {
        Self {
            action,
            denied: false,
            actor: None,
            session: None,
            api_key: None,
            organization: None,
            target: None,
            request,
        }
    }

    /// `actor` did `action` to themselves.
    #[must_use]
    pub fn new(action: Action, actor: UserId, request: &'a RequestInfo) -> Self {
        Self { actor: Some(actor), target: Some(actor.0), ..Self::anonymous(action, request) }
    }

    /// `principal` did `action`.
    #[must_use]
    pub fn by(action: Action, principal: &Principal, request: &'a RequestInfo) -> Self {
        match principal {
            Principal::User { id, session } => Self::new(action, *id, request).through(*session),
            Principal::ApiKey(id) => Self { api_key: Some(*id), ..Self::anonymous(action, request) },
        }
    }

    /// Through `session`.
    #[must_use]
    pub fn through(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// In `organization`.
    #[must_use]
    pub fn within(self, organization: OrganizationId) -> Self {
        Self { organization: Some(organization), ..self }
    }

    /// To `target`.
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

/// One line of the log, for those who may read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// What.
    #[schema(example = "member.updated", max_length = 64)]
    pub action: String,
    /// `success` or `denied`.
    #[schema(example = "success", max_length = 16)]
    pub outcome: String,
    /// Which user did it, if one did.
    pub actor_id: Option<UserId>,
    /// Through which session.
    pub session_id: Option<SessionId>,
    /// Through which API key.
    pub api_key_id: Option<ApiKeyId>,
    /// In which organization.
    pub organization_id: Option<OrganizationId>,
    /// To what: the id of a user, member, key ….
    pub target_id: Option<Uuid>,
    /// From where.
    #[schema(example = "203.0.113.7", min_length = 2, max_length = 39)]
    pub ip_address: Option<String>,
    /// In which request.
    #[schema(min_length = 1, max_length = 128)]
    pub request_id: String,
}

/// Which lines of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct AuditFilter {
    /// Only what this user did.
    pub actor_id: Option<UserId>,
    /// Only this.
    #[param(inline)]
    pub action: Option<ActionName>,
    /// Only what happened then or later.
    #[param(inline)]
    pub since: Option<Timestamp>,
    /// Only what happened before.
    #[param(inline)]
    pub until: Option<Timestamp>,
}

/// What to look for: an action's name, which need not be one of today's.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, max_length = 64, pattern = r"^[a-z_]+\.[a-z_]+$", example = "member.updated")]
pub struct ActionName(String);

impl AsRef<str> for ActionName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ActionName {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        match raw.split_once('.') {
            Some((what, happened)) if raw.len() <= 64 && word(what) && word(happened) => Ok(Self(raw)),
            _ => Err("an action looks like member.updated"),
        }
    }
}
