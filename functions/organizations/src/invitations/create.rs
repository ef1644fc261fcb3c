//! `POST /v1/organizations/{organizationId}/invitations`

use std::time::Duration;

use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    audit::Action,
    auth::{
        Member,
        member::Principal,
        permission::{ManageInvitations, Role},
    },
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey, Made},
    ids::OrganizationId,
    invitation::ALREADY_MEMBER,
    mails::{self, Letter},
    one_time::OneTimeToken,
    page::Data,
    rate_limit::{self, Limit},
    store,
    text::Email,
};
use utoipa::ToSchema;

use super::InvitationView;
use crate::{OrganizationsState, proved::require_proved_address, refusals};

/// How long an invitation can be answered.
const LIFETIME: TimeDelta = TimeDelta::days(7);
/// Each one is a mail.
const PER_ORGANIZATION: Limit = Limit { name: "invitations", max: 100, window: Duration::from_hours(1) };
/// … to someone who may not want it.
const PER_ADDRESS: Limit =
    Limit { name: "invitations-by-address", max: 10, window: Duration::from_hours(24) };

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    email: Email,
    /// At most the role of whoever invites.
    role: Role,
}

/// Invite someone by mail.
///
/// The invitation lasts a week, and only an account with that address, proved, can accept it.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/invitations", tag = "organizations",
    operation_id = "create_invitation", request_body = NewInvitation,
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), IdempotencyKey),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 201, description = "A mail is on its way.", body = Data<InvitationView>),
        (status = 403, description = "`role-above-own` or `address-not-proved`"),
        (status = 409, description = "`already-member`, `already-invited` or `personal-organization`"),
    ),
)]
pub async fn create(
    State(state): State<OrganizationsState>,
    member: Member<ManageInvitations>,
    request: RequestInfo,
    Create { new, once }: Create<NewInvitation>,
) -> Result<Response, ApiError> {
    let organization = &member.organization;
    if organization.personal_to.is_some() {
        return Err(refusals::PERSONAL.into());
    }
    let address = rate_limit::pseudonym(new.email.as_ref());
    for (limit, subject) in [(PER_ORGANIZATION, organization.id.to_string()), (PER_ADDRESS, address)] {
        let verdict = rate_limit::take(&state.app, limit, &subject).await;
        if !verdict.allowed {
            return Err(refusals::TOO_MANY_INVITATIONS.retry_after(verdict.reset));
        }
    }
    let (email, now) = (new.email.as_ref(), state.app.clock.now());
    let token = OneTimeToken::generate()?;
    let invited_by = match &member.principal {
        Principal::User(caller) => Some(caller.user),
        Principal::ApiKey(_) => None,
    };
    let (response, invited) = once
        .run(&state.app, &member.principal.name(), async |tx| {
            if new.role > member.hold(tx, now).await? {
                return Err(refusals::ROLE_ABOVE_OWN.into());
            }
            require_proved_address(tx, &member.principal).await?;
            if store::members::has_email(tx, organization.id, email).await? {
                return Err(ALREADY_MEMBER.into());
            }
            let row = store::invitations::NewInvitation {
                email,
                role: new.role,
                token_hash: &token.hash(),
                invited_by,
                expires_at: now + LIFETIME,
            };
            let invitation = store::invitations::insert(tx, organization.id, &row, now)
                .await
                .on_constraint("invitations_organization_id_email_key", refusals::ALREADY_INVITED)?;
            let event = member.event(Action::InvitationCreated, &request).to(invitation.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            let version = invitation.version;
            Ok((Made::new(InvitationView::of(invitation, now))?.version(version), ()))
        })
        .await?;
    if invited.is_some() {
        let letter = letter(&state, &organization.name, &token);
        mails::send(&*state.mailer, email, letter).await;
    }
    Ok(response)
}

fn letter(state: &OrganizationsState, organization: &str, token: &OneTimeToken) -> Letter {
    Letter {
        subject: "You are invited to an organization on Arches",
        paragraphs: vec![
            format!("You are invited to join “{organization}” on Arches."),
            "Sign in with this address, or make an account with it, and accept. The link works once, for a week:"
                .to_owned(),
        ],
        link: Some((mails::link(&state.app.config.web.app_url, "invitation", token), "See the invitation")),
        ending: "If you do not know who this is from, ignore this mail.",
        ..Letter::default()
    }
}
