//! `PATCH /v1/organizations/{organizationId}/artifacts/{artifactId}`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        audit::Action, changes::ChangedFields, ids::LabelId, input::DocumentName, page::Data, patch::Patch,
        permission::WriteArtifacts,
    },
    http::{
        etag::{IfMatch, STALE},
        extract::{Body, Path},
    },
    store,
};
use utoipa::ToSchema;

use super::{
    ArtifactPath, find,
    labels::Labels,
    view::{ArtifactResponse, ArtifactView, respond},
};
use crate::organization::OrganizationPath;

/// A description of an artifact: 1 to 2,000 characters.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 2000, example = "The translator's notes, third edition",
    pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$",
)]
pub struct Description(String);

impl AsRef<str> for Description {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let text = raw.trim();
        match text.chars().count() {
            1..=2000 if !text.contains('\0') => Ok(Self(text.to_owned())),
            _ => Err("a description has 1 to 2000 characters"),
        }
    }
}

/// Changes of an artifact. An absent member does not change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Notes, third edition", "description": null }))]
pub struct ArtifactChanges {
    #[serde(default)]
    #[schema(value_type = Option<DocumentName>, nullable = false)]
    name: Patch<DocumentName>,
    #[serde(default)]
    #[schema(value_type = Option<Description>)]
    description: Patch<Description>,
    /// The ids of all its labels.
    #[serde(default)]
    #[schema(value_type = Option<Vec<LabelId>>, nullable = false, max_items = 20)]
    labels: Patch<Labels>,
}

/// Change the name, the description or the labels of an artifact.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/artifacts/{artifactId}", tag = "artifacts",
    operation_id = "update_artifact",
    params(OrganizationPath, ArtifactPath, IfMatch),
    request_body(content((ArtifactChanges = "application/json"), (ArtifactChanges = "application/merge-patch+json"))),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The changed artifact.", body = Data<ArtifactView>),
        (status = 404, description = "`artifact-not-found`"),
        (status = 422, description = "`unknown-label`"),
    ),
)]
pub async fn update(
    member: Member<WriteArtifacts>,
    Path(path): Path<ArtifactPath>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<ArtifactChanges>,
) -> Result<ArtifactResponse, ApiError> {
    let (organization, id) = (member.organization.id, path.artifact_id);
    let name = changes.name.kept("/name")?.map(AsRef::as_ref);
    let (describe, description) = changes.description.change();
    let (described, labels) = ((describe, description.map(AsRef::as_ref)), changes.labels.kept("/labels")?);
    let updated = member.transaction(async |tx| {
        member.lock(tx).await?;
        find(tx, &member, id).await?;
        let versions = versions.as_deref();
        if !store::artifacts::update(tx, organization, id, name, described, versions).await? {
            return Err(STALE.into());
        }
        if let Some(labels) = labels {
            store::artifact_labels::delete_all(tx, organization, id).await?;
            labels.insert(tx, organization, id).await?;
        }
        let changes = ChangedFields::default().name("name", name.is_some()).name("description", describe);
        let changes = changes.name("labels", labels.is_some());
        member.audit_changes(tx, Action::ArtifactUpdated, id, &changes).await?;
        find(tx, &member, id).await
    });
    Ok(respond(updated.await?))
}
