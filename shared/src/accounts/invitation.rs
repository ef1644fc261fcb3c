//! Accepts or declines an invitation: through the API, or on the page that the mail links to.

use crate::{
    ApiError, OnConstraint, Refusal,
    auth::{Caller, caller::UNAUTHENTICATED},
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        changes::ChangedFields,
        ids::{SessionId, UserId},
        permission::{ManageInvitations, Permission, Role},
    },
    store::{
        self,
        invitations::Status,
        organizations::{self, Organization},
    },
};

const INVALID_TOKEN: Refusal =
    Refusal::invalid("invalid-token", "This token is unknown, used or expired. Ask for a new invitation.");
const WRONG_ADDRESS: Refusal = Refusal::forbidden(
    "wrong-address",
    "Only an account with the address of the invitation can answer it, and the address must be verified.",
);
/// Returned if an invitation is sent to, or accepted by, a member of the organization.
pub const ALREADY_MEMBER: Refusal = Refusal::conflict("already-member", "This person is already a member.");

/// The user who answers an invitation.
pub struct Invited<'a> {
    /// The verified address of the user must be the address of the invitation. The token alone is not enough.
    pub user: UserId,
    /// `None` on the page that the mail links to.
    pub session: Option<SessionId>,
    pub request: &'a RequestInfo,
}

impl<'a> From<&'a Caller> for Invited<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self { user: caller.user, session: Some(caller.session), request: &caller.request }
    }
}

/// Uses the token and makes the user a member.
pub async fn accept(tx: &mut Tx, who: &Invited<'_>, token: &OneTimeToken) -> Result<Organization, ApiError> {
    let (organization, role) = answer(tx, who, token, Status::Accepted).await?;
    store::members::insert(tx, organization.id, who.user, role)
        .await
        .on_constraint("members_pkey", ALREADY_MEMBER)?;
    Ok(organization)
}

/// Uses the token and declines the invitation.
pub async fn decline(tx: &mut Tx, who: &Invited<'_>, token: &OneTimeToken) -> Result<(), ApiError> {
    answer(tx, who, token, Status::Declined).await.map(drop)
}

/// Ends the invitation. Returns its organization, locked until the transaction ends, and its role.
async fn answer(
    tx: &mut Tx,
    who: &Invited<'_>,
    token: &OneTimeToken,
    status: Status,
) -> Result<(Organization, Role), ApiError> {
    let invalid = || INVALID_TOKEN.at("/token");
    let open = store::invitations::find_open(tx, &token.hash()).await?.ok_or_else(invalid)?;
    // Locks the user before the organization, like the deletion of an account, so that a user who is being deleted cannot join.
    let user = store::users::lock(tx, who.user)
        .await?
        .filter(|user| user.deleted_at.is_none() && user.suspended_at.is_none());
    let user = user.ok_or(UNAUTHENTICATED)?;
    if user.email_verified_at.is_none() || user.email.to_lowercase() != open.email.to_lowercase() {
        return Err(WRONG_ADDRESS.into());
    }
    let organization = organizations::lock(tx, open.organization_id).await?.ok_or_else(invalid)?;
    if !may_still_invite(tx, &open).await? {
        return Err(invalid());
    }
    let ended = store::invitations::end(tx, open.organization_id, open.id, status).await?;
    let ended = ended.ok_or_else(invalid)?;
    let (action, changes) = if status == Status::Accepted {
        (Action::InvitationAccepted, ChangedFields::default().values("role", None, Some(ended.role)))
    } else {
        (Action::InvitationDeclined, ChangedFields::default())
    };
    let event = Event { session: who.session, ..Event::new(action, who.user, who.request) };
    store::audit_events::insert(tx, &event.within(ended.organization_id).to(ended.id.0).with(&changes))
        .await?;
    Ok((organization, ended.role))
}

/// Checks whether the user or the API key that sent the invitation could send it now.
async fn may_still_invite(tx: &mut Tx, open: &store::invitations::Invitation) -> sqlx::Result<bool> {
    if let Some(user) = open.invited_by {
        let member = store::members::find_active(tx, open.organization_id, user).await?;
        return Ok(member.is_some_and(|member| member.role >= open.role.max(ManageInvitations::ROLE)));
    }
    let Some(key) = open.invited_by_key else { return Ok(false) };
    let key = store::api_keys::find_valid(tx, key).await?;
    Ok(key
        .is_some_and(|key| key.organization.id == open.organization_id && key.allows::<ManageInvitations>()))
}
