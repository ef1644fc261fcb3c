//! `POST /v1/organizations/{organizationId}/invitations`

use axum::{extract::State, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint, ReachedLimit,
    accounts::invitation::ALREADY_MEMBER,
    auth::{Member, SignedIn},
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        audit::Action,
        changes::ChangedFields,
        ids::OrganizationId,
        input::Email,
        mail_delivery::Mailbox,
        page::Data,
        permission::{ManageInvitations, Role},
    },
    http::idempotency::{Create, Created, IdempotencyKey},
    mail::message::{self, Letter},
    store::{
        self,
        invitations::{Invitation, Sent, Since},
    },
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
const PER_ORGANIZATION: Limit = Limit { max: 100, window: TimeDelta::hours(1) };
/// The owner of the address may not want the mails.
const PER_ORGANIZATION_AND_ADDRESS: Limit = Limit { max: 10, window: TimeDelta::hours(24) };
/// From all organizations together. Higher, so that one organization cannot use it up and keep the person out of all others.
const PER_ADDRESS: Limit = Limit { max: 50, window: TimeDelta::hours(24) };

/// Allows at most `max` invitations in each `window`.
#[derive(Clone, Copy)]
struct Limit {
    max: u32,
    window: TimeDelta,
}

impl Limit {
    fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.window
    }

    /// Returns the limit, if no further invitation is allowed.
    fn reached(self, sent: &Sent, now: DateTime<Utc>) -> Option<ReachedLimit> {
        let wait = sent.first.map_or(TimeDelta::zero(), |first| first + self.window - now);
        (sent.count >= i64::from(self.max))
            .then(|| ReachedLimit::new(self.max, wait.to_std().unwrap_or_default()))
    }
}

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
    let token = OneTimeToken::generate()?;
    let work = async |tx: &mut Tx| {
        let (invitation, to) = invite(tx, &member, &new, &token).await?;
        let version = invitation.version;
        Ok((Created::new(InvitationView::new(invitation, tx.now()))?.version(version), to))
    };
    let (response, invited) = idempotent.run(&member, &state.app.sealer, work).await?;
    if let Some(to) = invited {
        message::send(&*state.mailer, &to, letter(&state, &token)).await;
    }
    Ok(response)
}

/// Refuses an invitation above a limit. Returns where its mail goes. The rows are the counts, so only invitations that were sent use
/// them up.
async fn require_below_limits(
    tx: &mut Tx,
    organization: OrganizationId,
    email: &str,
) -> Result<Mailbox, ApiError> {
    let since =
        Since { organization: PER_ORGANIZATION.since(tx.now()), address: PER_ADDRESS.since(tx.now()) };
    let sent = store::invitations::count(tx, organization, email, since).await?;
    let limits = [
        (PER_ORGANIZATION, sent.in_organization),
        (PER_ORGANIZATION_AND_ADDRESS, sent.to_address_in_organization),
        (PER_ADDRESS, sent.to_address),
    ];
    let now = tx.now();
    match limits
        .into_iter()
        .filter_map(|(limit, sent)| limit.reached(&sent, now))
        .max_by_key(|reached| reached.wait)
    {
        Some(reached) => Err(refusals::TOO_MANY_INVITATIONS.reached(reached)),
        None => Ok(Mailbox { address: email.to_owned(), stopped: sent.mail_stopped }),
    }
}

/// Checks what the member may do, and adds the invitation. Returns it, and where its mail goes.
async fn invite(
    tx: &mut Tx,
    member: &Member<ManageInvitations>,
    new: &NewInvitation,
    token: &OneTimeToken,
) -> Result<(Invitation, Mailbox), ApiError> {
    let (organization, email) = (member.organization.id, new.email.as_ref());
    require_role_up_to(member.lock(tx).await?, new.role)?;
    if new.role == Role::Owner {
        member.require_fresh()?;
    }
    require_proved_address(tx, &member.principal).await?;
    if store::members::has_email(tx, organization, email).await? {
        return Err(ALREADY_MEMBER.into());
    }
    let to = require_below_limits(tx, organization, email).await?;
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
    Ok((invitation, to))
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
