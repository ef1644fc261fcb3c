//! `/v1/organizations/{organizationId}/invitations` and `/v1/invitations`.

mod accept;
mod create;
mod decline;
mod list;
mod revoke;
mod show;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::Member,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        ids::{InvitationId, UserId},
        permission::Role,
    },
    http::Routes,
    routes,
    store::invitations::{self, Invitation, Status},
};
use utoipa::{IntoParams, ToSchema};

use crate::{OrganizationsState, refusals};

pub fn add_routes<R: Routes<OrganizationsState>>(routes: R) -> R {
    routes
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, revoke::revoke))
        .routes(routes!(accept::accept))
        .routes(routes!(decline::decline))
}

/// The path of an invitation.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct InvitationPath {
    /// The invitation's id.
    invitation_id: InvitationId,
}

/// The token from the mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationAnswer {
    token: OneTimeToken,
}

/// An invitation to an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitation)]
pub struct InvitationView {
    id: InvitationId,
    #[schema(example = "bob@example.com", min_length = 3, max_length = 254)]
    email: String,
    role: Role,
    /// The user who sent it; null if an API key did.
    invited_by: Option<UserId>,
    status: Status,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl InvitationView {
    /// Builds the view. A pending invitation whose time has passed is shown as expired.
    fn new(invitation: Invitation, now: DateTime<Utc>) -> Self {
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

/// Loads the invitation `id` of the caller's organization.
async fn find<P>(tx: &mut Tx, member: &Member<P>, id: InvitationId) -> Result<Invitation, ApiError> {
    Ok(invitations::find(tx, member.organization.id, id).await?.ok_or(refusals::NO_SUCH_INVITATION)?)
}
