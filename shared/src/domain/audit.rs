//! The audit log. An event is written in the transaction of the change: both are committed, or neither is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::{
    actor::{Principal, RequestInfo},
    changes::{ChangedFields, FieldChange},
    ids::{ApiKeyId, AuditEventId, OrganizationId, SessionId, UserId},
    timestamp::Timestamp,
};

text_enum!(
    /// The action of an event. The names in the log are part of the public contract.
    Action {
        UserRegistered = "user.registered",
        /// The account came from another system.
        UserImported = "user.imported",
        UserUpdated = "user.updated",
        UserDeleted = "user.deleted",
        /// The user verified their address.
        EmailVerified = "user.email_verified",
        PasswordChanged = "user.password_changed",
        /// A sign-in. Denied: a wrong password or code, or a link that was used or has expired.
        SessionCreated = "session.created",
        /// Somebody proved one factor at a sign-in that needs a second one.
        SessionChallenged = "session.challenged",
        /// One session of a user was revoked, or all.
        SessionRevoked = "session.revoked",
        /// The user of a session proved again who they are. Denied: a wrong current password or code.
        SessionReauthenticated = "session.reauthenticated",
        PasswordResetRequested = "user.password_reset_requested",
        PasswordReset = "user.password_reset",
        MagicLinkRequested = "user.magic_link_requested",
        EmailChangeRequested = "user.email_change_requested",
        EmailChanged = "user.email_changed",
        /// The former address took the account back.
        EmailChangeUndone = "user.email_change_undone",
        /// The reader of a mail said that the account, or the change of its address, is not theirs.
        LinkRejected = "user.link_rejected",
        /// The reader of a mail said that a sign-in was another person's, and took the account back. Denied: the link was used before
        /// or has expired.
        SignInRejected = "user.sign_in_rejected",
        UserExported = "user.exported",
        /// The user became a system administrator.
        UserAppointed = "user.appointed",
        /// The user is no longer a system administrator.
        UserDismissed = "user.dismissed",
        /// The user removed the password. Or the user proved the address of an account that someone else may have registered; then
        /// the password of the account is removed.
        PasswordRemoved = "user.password_removed",
        /// An identity at a provider became a way to sign in. Denied: by a mailed link that was used or has expired.
        IdentityLinked = "user.identity_linked",
        /// An identity is no way to sign in any more.
        IdentityRemoved = "user.identity_removed",
        /// A passkey became a way to sign in.
        PasskeyAdded = "user.passkey_added",
        /// A passkey got another name.
        PasskeyUpdated = "user.passkey_updated",
        /// A passkey is no way to sign in any more.
        PasskeyRemoved = "user.passkey_removed",
        /// Denied: the count of a passkey went back at a sign-in, so there may be a copy of it.
        PasskeyCopied = "user.passkey_copied",
        /// The user began to add an authenticator app.
        SecondFactorStarted = "user.second_factor_started",
        /// The user showed a code of the app: from now on, a sign-in needs one.
        SecondFactorAdded = "user.second_factor_added",
        /// A sign-in needs no second factor any more: the user removed it, or an administrator did.
        SecondFactorRemoved = "user.second_factor_removed",
        RecoveryCodesCreated = "user.recovery_codes_created",
        RecoveryCodeUsed = "user.recovery_code_used",
        UserSuspended = "user.suspended",
        /// An administrator removed everything that signs in to the account, and mailed its user a way in.
        UserRecovered = "user.recovered",
        /// The deletion of a user was undone, or a suspension was lifted.
        UserRestored = "user.restored",
        /// Every personal column was overwritten.
        UserErased = "user.erased",
        /// No mail is sent to the user's address any more: a mail bounced, or the user complained about it.
        MailStopped = "user.mail_stopped",
        /// Mail is sent to the user's address again.
        MailResumed = "user.mail_resumed",
        LegalHoldPlaced = "user.legal_hold_placed",
        LegalHoldLifted = "user.legal_hold_lifted",
        OrganizationCreated = "organization.created",
        OrganizationUpdated = "organization.updated",
        OrganizationDeleted = "organization.deleted",
        /// The deletion of an organization was undone.
        OrganizationRestored = "organization.restored",
        /// The rows of a deleted organization were removed.
        OrganizationPurged = "organization.purged",
        /// A system administrator set the limit of requests of its API keys.
        OrganizationRateLimitSet = "organization.rate_limit_set",
        /// The role of a member changed.
        MemberUpdated = "member.updated",
        /// A member was removed, or left.
        MemberRemoved = "member.removed",
        InvitationCreated = "invitation.created",
        InvitationRevoked = "invitation.revoked",
        InvitationAccepted = "invitation.accepted",
        InvitationDeclined = "invitation.declined",
        ApiKeyCreated = "api_key.created",
        /// The key got another name or other scopes.
        ApiKeyUpdated = "api_key.updated",
        /// The key got a new secret.
        ApiKeyRotated = "api_key.rotated",
        ApiKeyRevoked = "api_key.revoked",
        /// A system administrator set the limit of requests of the key.
        ApiKeyRateLimitSet = "api_key.rate_limit_set",
        ArtifactCreated = "artifact.created",
        ArtifactUpdated = "artifact.updated",
        ArtifactDeleted = "artifact.deleted",
        /// A link to the file or the text of an artifact was given out.
        ArtifactDownloaded = "artifact.downloaded",
        /// The processing of an artifact began again.
        ArtifactRetried = "artifact.retried",
        /// An artifact can be found.
        ArtifactReady = "artifact.ready",
        /// The processing of an artifact ended without success.
        ArtifactFailed = "artifact.failed",
        LabelCreated = "label.created",
        LabelUpdated = "label.updated",
        LabelDeleted = "label.deleted",
        ConversationCreated = "conversation.created",
        ConversationUpdated = "conversation.updated",
        ConversationDeleted = "conversation.deleted",
        /// A model was asked in a conversation.
        AnswerRequested = "answer.requested",
        /// The answer of a model was cancelled.
        AnswerCancelled = "answer.cancelled",
        /// The role of a member or the scopes of a key did not allow the request.
        AccessDenied = "access.denied",
        /// A refresh token was used a second time: it or its successor was stolen.
        RefreshTokenReused = "session.refresh_token_reused",
    }
);

/// An event to be written.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub action: Action,
    pub denied: bool,
    pub actor: Option<UserId>,
    pub session: Option<SessionId>,
    pub api_key: Option<ApiKeyId>,
    pub organization: Option<OrganizationId>,
    /// The id of what was changed: a user, a member, a key, …
    pub target: Option<Uuid>,
    pub changes: Option<&'a ChangedFields>,
    pub request: &'a RequestInfo,
}

impl<'a> Event<'a> {
    /// Creates an event without an actor.
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
            changes: None,
            request,
        }
    }

    /// Creates the event of a refused proof: a wrong password or code, or a link that is not valid any more. Nobody proved who
    /// they are, so there is no actor. `account` is `None` if there is no such account.
    #[must_use]
    pub fn refused(action: Action, account: Option<UserId>, request: &'a RequestInfo) -> Self {
        Self { denied: true, target: account.map(|id| id.0), ..Self::anonymous(action, request) }
    }

    /// Creates an event in which `actor` is also the target.
    #[must_use]
    pub fn new(action: Action, actor: UserId, request: &'a RequestInfo) -> Self {
        Self { actor: Some(actor), target: Some(actor.0), ..Self::anonymous(action, request) }
    }

    /// Creates an event in which `principal` is the actor; a user is also the target.
    #[must_use]
    pub fn by(action: Action, principal: &Principal, request: &'a RequestInfo) -> Self {
        match principal {
            Principal::User { id, session } => Self::new(action, *id, request).through(*session),
            Principal::ApiKey(id) => Self { api_key: Some(*id), ..Self::anonymous(action, request) },
        }
    }

    #[must_use]
    pub fn through(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    #[must_use]
    pub fn within(self, organization: OrganizationId) -> Self {
        Self { organization: Some(organization), ..self }
    }

    #[must_use]
    pub fn to(self, target: Uuid) -> Self {
        Self { target: Some(target), ..self }
    }

    #[must_use]
    pub fn with(self, changes: &'a ChangedFields) -> Self {
        Self { changes: Some(changes), ..self }
    }

    #[must_use]
    pub fn denied(self) -> Self {
        Self { denied: true, ..self }
    }
}

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// The id of the event.
    pub id: AuditEventId,
    /// The time of the event.
    pub occurred_at: DateTime<Utc>,
    /// The action.
    #[schema(example = "member.updated", max_length = 64)]
    pub action: String,
    /// `success` or `denied`.
    #[schema(example = "success", max_length = 16)]
    pub outcome: String,
    /// The user who did it; null if it was not a user, or if nobody proved who they are.
    pub actor_id: Option<UserId>,
    /// The session in which it was done.
    pub session_id: Option<SessionId>,
    /// The API key that did it; null if it was not a key.
    pub api_key_id: Option<ApiKeyId>,
    /// The organization in which it was done.
    pub organization_id: Option<OrganizationId>,
    /// The id of what was changed: a user, a member, a key or another resource.
    pub target_id: Option<Uuid>,
    /// The changed fields, by name: roles, scopes and states with their values, of other fields only the name.
    #[schema(value_type = Option<BTreeMap<String, FieldChange>>, max_length = 64)]
    pub changes: Option<Value>,
    /// The source address of the request.
    #[schema(example = "203.0.113.7", min_length = 2, max_length = 39)]
    pub ip_address: Option<String>,
    /// The id of the request, as in `X-Request-Id`.
    #[schema(min_length = 1, max_length = 128)]
    pub request_id: String,
}

impl AuditEvent {
    /// Returns the event as `user` may see it, who caused it or whom it is about.
    ///
    /// If someone else caused it, that person, their session or key and their source address are left out. So is the source address
    /// if nobody proved who they are: it may belong to a person who mistyped an address. The session of such an event is the user's.
    #[must_use]
    pub fn shown_to(self, user: UserId) -> Self {
        if self.actor_id == Some(user) {
            return self;
        }
        let session_id = self.session_id.filter(|_| self.actor_id.is_none());
        Self { actor_id: None, session_id, api_key_id: None, ip_address: None, ..self }
    }
}

/// The filter of a list of events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct AuditFilter {
    /// Only events that this user caused.
    pub actor_id: Option<UserId>,
    /// Only events about this user, member, key or other resource.
    pub target_id: Option<Uuid>,
    /// Only events with this action.
    #[param(inline)]
    pub action: Option<ActionName>,
    /// Only events at this time or later.
    #[param(inline)]
    pub since: Option<Timestamp>,
    /// Only events before this time.
    #[param(inline)]
    pub until: Option<Timestamp>,
}

/// The filter of a user's own list of events. Not by actor: it would tell who caused an event.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnAuditFilter {
    /// Only events with this action.
    #[param(inline)]
    pub action: Option<ActionName>,
    /// Only events at this time or later.
    #[param(inline)]
    pub since: Option<Timestamp>,
    /// Only events before this time.
    #[param(inline)]
    pub until: Option<Timestamp>,
}

/// The name of an action. It may be one that this version does not know.
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
