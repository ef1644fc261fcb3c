//! `POST /v1/organizations/{organizationId}/invitations`

use std::time::Duration;

use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError, AppState, OnConstraint,
    accounts::invitation::ALREADY_MEMBER,
    auth::{Member, SignedIn},
    cache::rate_limit::{self, Limit},
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        audit::Action,
        changes::ChangedFields,
        ids::OrganizationId,
        input::Email,
        page::Data,
        permission::{ManageInvitations, Role},
    },
    http::idempotency::{Create, Created, IdempotencyKey},
    mail::message::{self, Letter},
    store::{self, invitations::Invitation},
};
use utoipa::ToSchema;

use super::InvitationView;
use crate::{
    OrganizationsState,
    checks::{require_proved_address, require_role_up_to},
    organization::OrganizationPath,
    refusals,
};

/// The lifetime of an invitation.
const LIFETIME: TimeDelta = TimeDelta::days(7);
/// Every invitation sends a mail.
const PER_ORGANIZATION: Limit = Limit { name: "invitations", max: 100, window: Duration::from_hours(1) };
/// The owner of the address may not want the mails.
const PER_ADDRESS: Limit =
    Limit { name: "invitations-by-address", max: 10, window: Duration::from_hours(24) };

/// A new invitation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    email: Email,
    /// At most the role of the caller.
    role: Role,
}

/// Invite a person by mail.
///
/// The invitation is valid for a week. Only an account with that address, verified, can accept it. To invite an owner, the caller needs a
/// recent sign-in.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/invitations", tag = "organizations",
    operation_id = "create_invitation", request_body = NewInvitation,
    params(OrganizationPath, IdempotencyKey),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 201, description = "A mail is on its way.", body = Data<InvitationView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`role-above-own` or `address-not-proved`"),
        (status = 409, description = "`already-member`, `already-invited` or `personal-organization`"),
    ),
)]
pub async fn create(
    State(state): State<OrganizationsState>,
    member: Member<ManageInvitations>,
    Create { new, idempotent }: Create<NewInvitation>,
) -> Result<Response, ApiError> {
    let organization = &member.organization;
    if organization.personal_to.is_some() {
        return Err(refusals::PERSONAL.into());
    }
    take_limits(&state.app, organization.id, &new.email).await?;
    let token = OneTimeToken::generate()?;
    let work = async |tx: &mut Tx| {
        let invitation = invite(tx, &member, &new, &token).await?;
        let version = invitation.version;
        Ok((Created::new(InvitationView::new(invitation, tx.now()))?.version(version), ()))
    };
    let (response, invited) = idempotent.run(&member, &state.app.sealer, work).await?;
    if invited.is_some() {
        message::send(&*state.mailer, new.email.as_ref(), letter(&state, &token)).await;
    }
    Ok(response)
}

/// Counts the invitation against both limits.
async fn take_limits(app: &AppState, organization: OrganizationId, email: &Email) -> Result<(), ApiError> {
    let address = rate_limit::pseudonym(email.as_ref());
    for (limit, subject) in [(PER_ORGANIZATION, organization.to_string()), (PER_ADDRESS, address)] {
        let result = app.rate_limiter.take(limit, &subject, app.clock.now()).await;
        if !result.allowed {
            return Err(refusals::TOO_MANY_INVITATIONS.retry_after(result.reset));
        }
    }
    Ok(())
}

/// Checks what the member may do, and adds the invitation.
async fn invite(
    tx: &mut Tx,
    member: &Member<ManageInvitations>,
    new: &NewInvitation,
    token: &OneTimeToken,
) -> Result<Invitation, ApiError> {
    let (organization, email) = (member.organization.id, new.email.as_ref());
    require_role_up_to(member.lock(tx).await?, new.role)?;
    if new.role == Role::Owner {
        member.require_fresh()?;
    }
    require_proved_address(tx, &member.principal).await?;
    if store::members::has_email(tx, organization, email).await? {
        return Err(ALREADY_MEMBER.into());
    }
    let row = store::invitations::NewInvitation {
        email,
        role: new.role,
        token_hash: &token.hash(),
        invited_by: member.principal,
        expires_at: tx.now() + LIFETIME,
    };
    let invitation = store::invitations::insert(tx, organization, &row)
        .await
        .on_constraint("invitations_organization_id_email_key", refusals::ALREADY_INVITED)?;
    let changes = ChangedFields::default().values("role", None, Some(new.role));
    member.audit_changes(tx, Action::InvitationCreated, invitation.id, &changes).await?;
    Ok(invitation)
}

/// Returns the mail. It does not name the organization or the inviter: a stranger may have chosen the names.
fn letter(state: &OrganizationsState, token: &OneTimeToken) -> Letter {
    Letter {
        subject: "You are invited to an organization on Arches",
        paragraphs: vec![
            "You are invited to join an organization on Arches.".to_owned(),
            "Sign in with this address, or create an account with it, and accept. The link works once, for a week:"
                .to_owned(),
        ],
        link: Some((message::link(&state.app.config.web.app_url, "invitation", token), "See the invitation")),
        ending: "If you do not know who this is from, ignore this mail.",
        ..Letter::default()
    }
}
