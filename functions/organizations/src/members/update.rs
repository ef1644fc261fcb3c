//! `PATCH /v1/organizations/{organizationId}/members/{memberId}`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError,
    account::LAST_OWNER,
    audit::Action,
    auth::{
        Member,
        permission::{Role, UpdateMembers},
    },
    etag::{ETag, IfMatch, STALE},
    extract::{Body, Path},
    http::RequestInfo,
    ids::{OrganizationId, UserId},
    page::Data,
    store,
};
use utoipa::ToSchema;

use super::{MemberPath, MemberView};
use crate::{OrganizationsState, refusals};

/// What to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChanges {
    role: Role,
}

/// Change a member's role.
///
/// Takes effect with their next request.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/members/{memberId}", tag = "organizations",
    operation_id = "update_member",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("memberId" = UserId, Path, description = "The member's id, which is the user's."),
        IfMatch,
    ),
    request_body(content((MemberChanges = "application/json"), (MemberChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The member as they are now.", body = Data<MemberView>),
        (status = 403, description = "`role-above-own`"),
        (status = 404, description = "`member-not-found`"),
        (status = 409, description = "`last-owner`"),
    ),
)]
pub async fn update(
    State(state): State<OrganizationsState>,
    member: Member<UpdateMembers>,
    request: RequestInfo,
    Path(target): Path<MemberPath>,
    IfMatch(version): IfMatch,
    Body(MemberChanges { role }): Body<MemberChanges>,
) -> Result<(ETag, Json<Data<MemberView>>), ApiError> {
    let (organization, now) = (member.organization.id, state.app.clock.now());
    let changed = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let own = member.hold(tx, now).await?;
            let found = store::members::find(tx, organization, target.id).await?;
            let found = found.ok_or(refusals::NO_SUCH_MEMBER)?;
            if found.role.max(role) > own {
                return Err(refusals::ROLE_ABOVE_OWN.into());
            }
            if found.role == Role::Owner
                && role < Role::Owner
                && store::members::is_last_owner(tx, organization, target.id).await?
            {
                return Err(LAST_OWNER.into());
            }
            if !store::members::update(tx, organization, target.id, role, version, now).await? {
                return Err(STALE.into());
            }
            let event = member.event(Action::MemberUpdated, &request).to(target.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(store::members::find(tx, organization, target.id).await?.ok_or(refusals::NO_SUCH_MEMBER)?)
        })
        .await?;
    Ok((ETag(changed.version), Json(Data { data: changed.into() })))
}
