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
    ApiError,
    auth::{Caller, caller::UNAUTHENTICATED, permission::Role},
    db::Tx,
    ids::{InvitationId, UserId},
    one_time::OneTimeToken,
    store::{
        self,
        invitations::{Invitation, Status},
    },
};
use utoipa::ToSchema;

use crate::refusals;

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
    #[schema(example = "bob@example.com")]
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

/// Ends the invitation with this token as `status`, if it was sent to the proved address of the caller.
async fn answer(
    tx: &mut Tx,
    caller: &Caller,
    token: &OneTimeToken,
    status: Status,
    now: DateTime<Utc>,
) -> Result<Invitation, ApiError> {
    let invalid = || refusals::INVALID_TOKEN.at("/token");
    let open = store::invitations::find_open(tx, &token.hash(), now).await?.ok_or_else(invalid)?;
    // Held, and before the organization, as when an account is deleted: nobody joins who is about to be gone.
    let user = store::users::hold(tx, caller.user).await?.filter(|user| user.deleted_at.is_none());
    let user = user.ok_or(UNAUTHENTICATED)?;
    if user.email_verified_at.is_none() || user.email.to_lowercase() != open.email.to_lowercase() {
        return Err(refusals::WRONG_ADDRESS.into());
    }
    if !store::organizations::hold(tx, open.organization_id).await? {
        return Err(invalid());
    }
    let ended = store::invitations::end(tx, open.organization_id, open.id, status, None, now).await?;
    ended.ok_or_else(invalid)
}
