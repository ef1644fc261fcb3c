//! `DELETE /v1/organizations/{organizationId}/members/{memberId}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    account::LAST_OWNER,
    audit::Action,
    auth::{
        Member,
        member::Principal,
        permission::{RemoveMembers, Role},
    },
    etag::{IfMatch, STALE},
    extract::Path,
    http::RequestInfo,
    ids::{OrganizationId, UserId},
    store,
};

use super::MemberPath;
use crate::{OrganizationsState, refusals};

/// Remove a member, or leave.
///
/// Everyone may leave but the last owner. API keys that the member made stay: they are the organization's.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/members/{memberId}", tag = "organizations",
    operation_id = "delete_member",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("memberId" = UserId, Path, description = "The member's id, which is the user's."),
        IfMatch,
    ),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "They are no member any more."),
        (status = 403, description = "`role-above-own`"),
        (status = 404, description = "`member-not-found`"),
        (status = 409, description = "`last-owner`"),
    ),
)]
pub async fn delete(
    State(state): State<OrganizationsState>,
    member: Member<RemoveMembers>,
    request: RequestInfo,
    Path(target): Path<MemberPath>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, now) = (member.organization.id, state.app.clock.now());
    let leaves = matches!(&member.principal, Principal::User(caller) if caller.user == target.id);
    state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let own = member.hold(tx, now).await?;
            let found = store::members::find(tx, organization, target.id).await?;
            let found = found.ok_or(refusals::NO_SUCH_MEMBER)?;
            let may_remove = own >= Role::Admin || matches!(member.principal, Principal::ApiKey(_));
            if !leaves && (!may_remove || found.role > own) {
                return Err(refusals::ROLE_ABOVE_OWN.into());
            }
            if found.role == Role::Owner && store::members::is_last_owner(tx, organization, target.id).await?
            {
                return Err(LAST_OWNER.into());
            }
            if !store::members::delete(tx, organization, target.id, version).await? {
                return Err(STALE.into());
            }
            let event = member.event(Action::MemberRemoved, &request).to(target.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
