//! `PATCH /v1/organizations/{organizationId}/labels/{labelId}`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    db::Tx,
    domain::{
        audit::Action, changes::ChangedFields, ids::LabelId, input::Name, page::Data, patch::Patch,
        permission::WriteArtifacts,
    },
    http::{
        etag::{IfMatch, STALE},
        extract::{Body, Path},
    },
    store,
};
use utoipa::ToSchema;

use super::{LabelPath, LabelResponse, LabelView, find, respond};
use crate::{organization::OrganizationPath, refusals};

/// Changes of a label. An absent member does not change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Signed contracts" }))]
pub struct LabelChanges {
    #[serde(default)]
    #[schema(value_type = Option<Name>, nullable = false)]
    name: Patch<Name>,
}

/// Change the name of a label.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/labels/{labelId}", tag = "artifacts",
    operation_id = "update_label",
    params(OrganizationPath, LabelPath, IfMatch),
    request_body(content((LabelChanges = "application/json"), (LabelChanges = "application/merge-patch+json"))),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The changed label.", body = Data<LabelView>),
        (status = 404, description = "`label-not-found`"),
        (status = 409, description = "`label-exists`"),
    ),
)]
pub async fn update(
    member: Member<WriteArtifacts>,
    Path(path): Path<LabelPath>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<LabelChanges>,
) -> Result<LabelResponse, ApiError> {
    let (organization, id) = (member.organization.id, path.label_id);
    let name = changes.name.kept("/name")?.map(AsRef::as_ref);
    let updated = member.transaction(async |tx| {
        member.lock(tx).await?;
        find(tx, &member, id).await?;
        require_free_name(tx, &member, id, name).await?;
        let label = store::labels::update(tx, organization, id, name, versions.as_deref()).await?;
        let label = label.ok_or(STALE)?;
        let changes = ChangedFields::default().name("name", name.is_some());
        member.audit_changes(tx, Action::LabelUpdated, id, &changes).await?;
        Ok(label)
    });
    Ok(respond(updated.await?))
}

/// Refuses the name of another label. The organization is locked, so nobody else takes the name.
async fn require_free_name(
    tx: &mut Tx,
    member: &Member<WriteArtifacts>,
    id: LabelId,
    name: Option<&str>,
) -> Result<(), ApiError> {
    match name {
        Some(name) if store::labels::has_name(tx, member.organization.id, id, name).await? => {
            Err(refusals::LABEL_EXISTS.into())
        }
        _ => Ok(()),
    }
}
