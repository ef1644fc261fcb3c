//! `PATCH /v1/organizations/{organizationId}/members/{memberId}`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member, SignedIn},
    domain::{
        audit::Action,
        changes::ChangedFields,
        page::Data,
        permission::{Role, UpdateMembers},
    },
    http::{
        etag::{IfMatch, STALE},
        extract::{Body, Path},
    },
    store,
};
use utoipa::ToSchema;

use super::{MemberPath, MemberResponse, MemberView, lock, require_other_owner, respond};
use crate::{checks::require_role_up_to, organization::OrganizationPath};

/// A new role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChanges {
    role: Role,
}

/// Change a member's role.
///
/// The new role applies from the member's next request. To make an owner, the caller needs a recent sign-in.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/members/{memberId}", tag = "organizations",
    operation_id = "update_member",
    params(OrganizationPath, MemberPath, IfMatch),
    request_body(content((MemberChanges = "application/json"), (MemberChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The changed member.", body = Data<MemberView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`role-above-own`"),
        (status = 404, description = "`member-not-found`"),
        (status = 409, description = "`last-owner`"),
    ),
)]
pub async fn update(
    member: Member<UpdateMembers>,
    Path(path): Path<MemberPath>,
    IfMatch(versions): IfMatch,
    Body(MemberChanges { role }): Body<MemberChanges>,
) -> Result<MemberResponse, ApiError> {
    let (organization, id) = (member.organization.id, path.member_id);
    let updated = member.transaction(async |tx| {
        let (own, target) = lock(tx, &member, id).await?;
        require_role_up_to(own, target.role.max(role))?;
        if role == Role::Owner {
            member.require_fresh()?;
        }
        if role < Role::Owner {
            require_other_owner(tx, &member, &target).await?;
        }
        let updated = store::members::update(tx, organization, id, role, versions.as_deref()).await?;
        let updated = updated.ok_or(STALE)?;
        let changes = ChangedFields::default().values("role", Some(target.role), Some(role));
        member.audit_changes(tx, Action::MemberUpdated, id, &changes).await?;
        Ok(updated)
    });
    Ok(respond(updated.await?, member.role))
}
