//! Asking people into an organization.

pub mod accept;
pub mod create;
pub mod decline;
pub mod list;
pub mod revoke;
pub mod show;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    auth::permission::Role,
    ids::{InvitationId, UserId},
    one_time::OneTimeToken,
    store::invitations::{Invitation, Status},
};
use utoipa::ToSchema;

/// Which invitation, in the path.
#[derive(Deserialize)]
pub struct InvitationPath {
    #[serde(rename = "invitationId")]
    id: InvitationId,
}

/// The token from the mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationAnswer {
    token: OneTimeToken,
}

/// Someone asked into an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitation)]
pub struct InvitationView {
    id: InvitationId,
    #[schema(example = "bob@example.com", min_length = 3, max_length = 254)]
    email: String,
    role: Role,
    /// Which user asked; an API key if none did.
    invited_by: Option<UserId>,
    status: Status,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl InvitationView {
    fn of(invitation: Invitation, now: DateTime<Utc>) -> Self {
        let expired = invitation.status == Status::Pending && invitation.expires_at <= now;
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by,
            status: if expired { Status::Expired } else { invitation.status },
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}
