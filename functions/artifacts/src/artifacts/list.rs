//! `GET /v1/organizations/{organizationId}/artifacts`

use axum::Json;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        ids::LabelId,
        ingestion::{ArtifactStatus, MediaType},
        page::{Page, PageQuery, Position},
        permission::ReadArtifacts,
    },
    http::extract::List,
    store::{
        self,
        artifacts::{Artifact, Filter},
    },
};
use utoipa::IntoParams;

use super::view::ArtifactView;
use crate::organization::OrganizationPath;

/// A filter of artifacts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ArtifactFilter {
    /// Only artifacts with this status.
    #[param(inline)]
    status: Option<ArtifactStatus>,
    /// Only artifacts with this label.
    label_id: Option<LabelId>,
    /// Only artifacts of this type.
    #[param(inline)]
    media_type: Option<MediaType>,
    /// Only artifacts whose name begins with this text, in upper or lower case.
    #[param(value_type = Option<String>, min_length = 1, max_length = 255, pattern = r"^[^\u0000]+$")]
    name: Option<Prefix>,
}

/// The beginning of a name.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Prefix(String);

impl TryFrom<String> for Prefix {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        // The database has no text with a NUL.
        let valid = (1..=255).contains(&raw.chars().count()) && !raw.contains('\0');
        if valid { Ok(Self(raw)) } else { Err("the beginning of a name has 1 to 255 characters") }
    }
}

/// List the artifacts.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/artifacts", tag = "artifacts", operation_id = "list_artifacts",
    params(OrganizationPath, PageQuery, ArtifactFilter),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the artifacts.", body = Page<ArtifactView>)),
)]
pub async fn list(
    member: Member<ReadArtifacts>,
    List(page, filter): List<ArtifactFilter>,
) -> Result<Json<Page<ArtifactView>>, ApiError> {
    let organization = member.organization.id;
    let filter = Filter {
        status: filter.status,
        label: filter.label_id,
        media_type: filter.media_type,
        name: filter.name.as_ref().map(|Prefix(name)| name.as_str()),
    };
    let rows = member.read(async |tx| Ok(store::artifacts::list(tx, organization, &page, &filter).await?));
    let position = |row: &Artifact| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows.await?, position, ArtifactView::from)))
}
