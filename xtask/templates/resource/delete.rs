//! `DELETE /v1/organizations/{organizationId}/%kebabs%/{%camel%Id}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{audit::Action, permission::Manage%Pascals%},
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store,
};

use super::{%Pascal%Path, lock};
use crate::organization::OrganizationPath;

/// Delete %a words%.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/%kebabs%/{%camel%Id}", tag = "organizations",
    operation_id = "delete_%snake%",
    params(OrganizationPath, %Pascal%Path, IfMatch),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "The %words% is deleted."),
        (status = 404, description = "`%kebab%-not-found`"),
    ),
)]
pub async fn delete(
    member: Member<Manage%Pascals%>,
    Path(path): Path<%Pascal%Path>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, id) = (member.organization.id, path.%snake%_id);
    member
        .transaction(async |tx| {
            lock(tx, &member, id).await?;
            if !store::%snakes%::delete(tx, organization, id, versions.as_deref()).await? {
                return Err(STALE.into());
            }
            member.audit(tx, Action::%Pascal%Deleted, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
