//! `GET /v1/organizations/{organizationId}/labels/{labelId}`

use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::ReadArtifacts},
    http::extract::Path,
};

use super::{LabelPath, LabelResponse, LabelView, find, respond};
use crate::organization::OrganizationPath;

/// Show a label.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/labels/{labelId}", tag = "artifacts",
    operation_id = "show_label", params(OrganizationPath, LabelPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The label.", body = Data<LabelView>),
        (status = 404, description = "`label-not-found`"),
    ),
)]
pub async fn show(
    member: Member<ReadArtifacts>,
    Path(path): Path<LabelPath>,
) -> Result<LabelResponse, ApiError> {
    let found = member.read(async |tx| find(tx, &member, path.label_id).await);
    Ok(respond(found.await?))
}
