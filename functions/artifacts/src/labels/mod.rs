//! `/v1/organizations/{organizationId}/labels`: names that group artifacts.

mod create;
mod delete;
mod list;
mod show;
mod update;

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::Member,
    db::Tx,
    domain::{ids::LabelId, page::Data},
    http::{Routes, etag::ETag},
    routes,
    store::labels,
};
use utoipa::{IntoParams, ToSchema};

use crate::{ArtifactsState, refusals};

pub fn add_routes<R: Routes<ArtifactsState>>(routes: R) -> R {
    routes.routes(routes!(list::list, create::create)).routes(routes!(
        show::show,
        update::update,
        delete::delete
    ))
}

/// The path of a label.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct LabelPath {
    /// The label's id.
    label_id: LabelId,
}

/// A name that groups artifacts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Label)]
pub struct LabelView {
    id: LabelId,
    #[schema(example = "Contracts", min_length = 1, max_length = 100)]
    name: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<labels::Label> for LabelView {
    fn from(row: labels::Label) -> Self {
        Self { id: row.id, name: row.name, created_at: row.created_at, updated_at: row.updated_at }
    }
}

/// A label, with its version as `ETag`.
pub type LabelResponse = (ETag, Json<Data<LabelView>>);

fn respond(row: labels::Label) -> LabelResponse {
    (ETag(row.version), Json(Data { data: row.into() }))
}

/// Loads the label `id` of the caller's organization.
async fn find<P>(tx: &mut Tx, member: &Member<P>, id: LabelId) -> Result<labels::Label, ApiError> {
    Ok(labels::find(tx, member.organization.id, id).await?.ok_or(refusals::NO_SUCH_LABEL)?)
}
