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
    /// Someone asked for a link to choose a new password.
    PasswordResetRequested,
    /// … and chose one.
    PasswordReset,
    /// Someone asked for a link that signs them in.
    MagicLinkRequested,
    /// Someone asked to move to another address.
    EmailChangeRequested,
    /// Someone moved to another address.
    EmailChanged,
    /// Someone was given a copy of everything held about a person.
    UserExported,
    /// Someone became an administrator of the system.
    UserAppointed,
    /// … and is none any more.
    UserDismissed,
    /// Someone removed their password, or it was removed when the owner of the address took over an account that someone else
    /// may have made.
    PasswordRemoved,
    /// An administrator shut someone out.
    UserSuspended,
    /// … gave it back.
    UserRestored,
    /// … overwrote every personal column.
    UserErased,
    /// … forbade its erasure.
    LegalHoldPlaced,
    /// … allowed it again.
    LegalHoldLifted,
    /// An organization was made.
    OrganizationCreated,
    /// … its profile changed.
    OrganizationUpdated,
    /// … and it was deleted.
    OrganizationDeleted,
    /// Someone's role changed.
    MemberUpdated,
    /// Someone was removed, or left.
    MemberRemoved,
    /// Someone was invited.
    InvitationCreated,
    /// … and no longer is.
    InvitationRevoked,
    /// … and joined.
    InvitationAccepted,
    /// … and did not want to.
    InvitationDeclined,
    /// An API key was made.
    ApiKeyCreated,
    /// … renamed, or given other scopes.
    ApiKeyUpdated,
    /// … given a new secret.
    ApiKeyRotated,
    /// … and revoked.
    ApiKeyRevoked,
    /// A member or a key asked for what its role or scopes do not allow.
    AccessDenied,
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
            Self::PasswordResetRequested => "user.password_reset_requested",
            Self::PasswordReset => "user.password_reset",
            Self::MagicLinkRequested => "user.magic_link_requested",
            Self::EmailChangeRequested => "user.email_change_requested",
            Self::EmailChanged => "user.email_changed",
            Self::UserExported => "user.exported",
            Self::UserAppointed => "user.appointed",
            Self::UserDismissed => "user.dismissed",
            Self::PasswordRemoved => "user.password_removed",
            Self::UserSuspended => "user.suspended",
            Self::UserRestored => "user.restored",
            Self::UserErased => "user.erased",
            Self::LegalHoldPlaced => "user.legal_hold_placed",
            Self::LegalHoldLifted => "user.legal_hold_lifted",
            Self::OrganizationCreated => "organization.created",
            Self::OrganizationUpdated => "organization.updated",
            Self::OrganizationDeleted => "organization.deleted",
            Self::MemberUpdated => "member.updated",
            Self::MemberRemoved => "member.removed",
            Self::InvitationCreated => "invitation.created",
            Self::InvitationRevoked => "invitation.revoked",
            Self::InvitationAccepted => "invitation.accepted",
            Self::InvitationDeclined => "invitation.declined",
            Self::ApiKeyCreated => "api_key.created",
            Self::ApiKeyUpdated => "api_key.updated",
            Self::ApiKeyRotated => "api_key.rotated",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::AccessDenied => "access.denied",
            Self::RefreshTokenReused => "session.refresh_token_reused",
        }
    }
}

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
