//! `DELETE /v1/organizations/{organizationId}/labels/{labelId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{audit::Action, permission::WriteArtifacts},
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store,
};

use super::{LabelPath, find};
use crate::organization::OrganizationPath;

/// Delete a label. Its artifacts lose it.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/labels/{labelId}", tag = "artifacts",
    operation_id = "delete_label",
    params(OrganizationPath, LabelPath, IfMatch),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "The label is deleted."),
        (status = 404, description = "`label-not-found`"),
    ),
)]
pub async fn delete(
    member: Member<WriteArtifacts>,
    Path(path): Path<LabelPath>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, id) = (member.organization.id, path.label_id);
    member
        .transaction(async |tx| {
            member.lock(tx).await?;
            find(tx, &member, id).await?;
            if !store::labels::delete(tx, organization, id, versions.as_deref()).await? {
                return Err(STALE.into());
            }
            member.audit(tx, Action::LabelDeleted, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
