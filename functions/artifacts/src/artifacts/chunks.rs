//! `GET /v1/organizations/{organizationId}/artifacts/{artifactId}/chunks`

use axum::Json;
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        artifact_chunk::ArtifactChunk,
        ids::{ArtifactId, ChunkId},
        page::Data,
        permission::ReadArtifacts,
    },
    http::extract::{Path, Query},
    store::artifacts::{Around, find_ordinal, list_chunks},
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ArtifactPath, find};
use crate::{organization::OrganizationPath, refusals};

/// The chunks before and after the one in the middle, each.
const NEIGHBOURS: i32 = 5;

/// The place in the text of an artifact.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Passage {
    /// The chunk in the middle: its ordinal, from 0, or its id. Without it, the beginning.
    #[param(value_type = Option<String>, min_length = 1, max_length = 36, example = "12", pattern = "^([0-9]{1,9}|[0-9a-f-]{36})$")]
    around: Option<Center>,
}

/// A chunk, by its ordinal or its id.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Center(Around);

impl TryFrom<String> for Center {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let is_number = (1..=9).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_digit());
        let around = if is_number {
            raw.parse().ok().map(Around::Ordinal)
        } else {
            Uuid::try_parse(&raw).ok().map(|id| Around::Chunk(ChunkId(id)))
        };
        around.map(Self).ok_or("this must be the ordinal of a chunk, from 0, or its id")
    }
}

/// A passage of an artifact.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ArtifactPassage)]
pub struct PassageView {
    /// The artifact.
    artifact_id: ArtifactId,
    /// The ordinal of the chunk in the middle. Neighbouring passages are around ordinals before and after it.
    #[schema(minimum = 0, maximum = 4999)]
    around: i32,
    /// The number of chunks of the whole artifact.
    #[schema(minimum = 0, maximum = 5000)]
    total: i32,
    /// In the order of the text. Two neighbours overlap.
    #[schema(max_items = 11)]
    chunks: Vec<ArtifactChunk>,
}

/// Show a passage of an artifact: a chunk, and up to five before and after it.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/artifacts/{artifactId}/chunks", tag = "artifacts",
    operation_id = "show_artifact_passage", params(OrganizationPath, ArtifactPath, Passage),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The passage.", body = Data<PassageView>),
        (status = 404, description = "`artifact-not-found` or `chunk-not-found`"),
        (status = 422, description = "`invalid-query`"),
    ),
)]
pub async fn list(
    member: Member<ReadArtifacts>,
    Path(path): Path<ArtifactPath>,
    Query(Passage { around }): Query<Passage>,
) -> Result<Json<Data<PassageView>>, ApiError> {
    let (organization, id) = (member.organization.id, path.artifact_id);
    let found = member.transaction(async |tx| {
        let artifact = find(tx, &member, id).await?;
        let ordinal = match &around {
            Some(Center(around)) => find_ordinal(tx, organization, id, *around).await?,
            None => Some(0),
        };
        let ordinal = ordinal.ok_or(refusals::NO_SUCH_CHUNK)?;
        let chunks = list_chunks(tx, organization, id, ordinal, NEIGHBOURS).await?;
        Ok((artifact.chunks_total, ordinal, chunks))
    });
    let (total, around, chunks) = found.await?;
    Ok(Json(Data { data: PassageView { artifact_id: id, around, total, chunks } }))
}
