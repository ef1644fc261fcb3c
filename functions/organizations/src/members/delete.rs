//! `DELETE /v1/organizations/{organizationId}/members/{memberId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        actor::Principal,
        audit::Action,
        changes::ChangedFields,
        permission::{RemoveMembers, Role},
    },
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store::{self, members},
};

use super::{MemberPath, lock, require_other_owner};
use crate::{checks::require_role_up_to, organization::OrganizationPath, refusals};

/// Remove a member, or leave.
///
/// Every member may leave, except the last owner. API keys that the member created stay: they belong to the organization.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/members/{memberId}", tag = "organizations",
    operation_id = "delete_member",
    params(OrganizationPath, MemberPath, IfMatch),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "The user is no longer a member."),
        (status = 403, description = "`role-above-own`"),
        (status = 404, description = "`member-not-found`"),
        (status = 409, description = "`last-owner`"),
    ),
)]
pub async fn delete(
    member: Member<RemoveMembers>,
    Path(path): Path<MemberPath>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, id) = (member.organization.id, path.member_id);
    member
        .transaction(async |tx| {
            let (own, target) = lock(tx, &member, id).await?;
            require_removable(&member.principal, own, &target)?;
            require_other_owner(tx, &member, &target).await?;
            if !store::members::delete(tx, organization, id, versions.as_deref()).await? {
                return Err(STALE.into());
            }
            let changes = ChangedFields::default().values("role", Some(target.role), None);
            member.audit_changes(tx, Action::MemberRemoved, id, &changes).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a caller who may not remove `target`. To remove another member, a user needs the role `admin`, and an API key the scope. The
/// role of `target` must not be above the caller's `own`.
fn require_removable(principal: &Principal, own: Role, target: &members::Member) -> Result<(), ApiError> {
    match principal.user_id() {
        Some(id) if id == target.user_id => Ok(()),
        Some(_) if own < Role::Admin => Err(refusals::ROLE_ABOVE_OWN.into()),
        _ => require_role_up_to(own, target.role),
    }
}
