//! `DELETE /v1/organizations/{organizationId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Fresh, Member},
    domain::{audit::Action, permission::DeleteOrganization},
    http::etag::{IfMatch, STALE},
    store,
};

use crate::{organization::OrganizationPath, refusals};

/// Delete an organization.
///
/// Its members lose access. Its API keys and invitations are not valid any more. No other organization can get its slug.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}", tag = "organizations", operation_id = "delete_organization",
    params(OrganizationPath, IfMatch), security(("bearer" = [])),
    responses(
        (status = 204, description = "The organization is deleted."),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 409, description = "`personal-organization`"),
    ),
)]
pub async fn delete(
    Fresh(member): Fresh<Member<DeleteOrganization>>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    if member.organization.personal_to.is_some() {
        return Err(refusals::PERSONAL.into());
    }
    let id = member.organization.id;
    member
        .transaction(async |tx| {
            member.lock(tx).await?;
            if !store::organizations::delete(tx, id, versions.as_deref()).await? {
                return Err(STALE.into());
            }
            member.audit(tx, Action::OrganizationDeleted, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
