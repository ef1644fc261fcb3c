//! `/v1/organizations/{organizationId}/artifacts`: the documents of an organization.

mod chunks;
mod content;
mod create;
mod delete;
mod download;
mod labels;
mod list;
mod retry;
mod show;
mod update;
mod upload;
mod view;

use serde::Deserialize;
use shared::{
    ApiError,
    auth::Member,
    db::Tx,
    domain::ids::ArtifactId,
    http::Routes,
    routes,
    store::artifacts::{self, Artifact},
};
use utoipa::IntoParams;

use crate::{ArtifactsState, refusals};

pub fn add_routes<R: Routes<ArtifactsState>>(routes: R) -> R {
    routes
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(upload::upload))
        .routes(routes!(retry::retry))
        .routes(routes!(download::download))
        .routes(routes!(chunks::list))
}

/// The path of an artifact.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct ArtifactPath {
    /// The artifact's id.
    artifact_id: ArtifactId,
}

/// Loads the artifact `id` of the caller's organization.
async fn find<P>(tx: &mut Tx, member: &Member<P>, id: ArtifactId) -> Result<Artifact, ApiError> {
    Ok(artifacts::find(tx, member.organization.id, id).await?.ok_or(refusals::NO_SUCH_ARTIFACT)?)
}

/// Refuses to process the content of `artifact`, if the organization has another artifact with it.
async fn require_only_content(tx: &mut Tx, artifact: &Artifact) -> Result<(), ApiError> {
    if artifact.duplicate_allowed {
        return Ok(());
    }
    match artifacts::find_same_content(tx, artifact.organization_id, &artifact.sha256).await? {
        Some(other) if other != artifact.id => Err(refusals::SAME_CONTENT.with_artifact(other)),
        _ => Ok(()),
    }
}
