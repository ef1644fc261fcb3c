//! `/v1/organizations/{organizationId}/%kebabs%`: the %many words% of an organization.

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
    domain::{
        ids::{UserId, %Pascal%Id},
        page::Data,
        permission::Manage%Pascals%,
    },
    http::{Routes, etag::ETag},
    routes,
    store::%snakes%,
};
use utoipa::{IntoParams, ToSchema};

use crate::{OrganizationsState, refusals};

pub fn add_routes<R: Routes<OrganizationsState>>(routes: R) -> R {
    routes
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, update::update, delete::delete))
}

/// The path of %a words%.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct %Pascal%Path {
    /// The id of the %words%.
    %snake%_id: %Pascal%Id,
}

/// %A words% of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = %Pascal%)]
pub struct %Pascal%View {
    id: %Pascal%Id,
    #[schema(example = "Analytical Engine", min_length = 1, max_length = 100)]
    name: String,
    /// The user who created it; null if an API key did, or if the user is erased.
    created_by: Option<UserId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<%snakes%::%Pascal%> for %Pascal%View {
    fn from(row: %snakes%::%Pascal%) -> Self {
        Self {
            id: row.id,
            name: row.name,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// %A words%, with its version as `ETag`.
pub type %Pascal%Response = (ETag, Json<Data<%Pascal%View>>);

fn respond(row: %snakes%::%Pascal%) -> %Pascal%Response {
    (ETag(row.version), Json(Data { data: row.into() }))
}

/// Loads the %words% `id` of the caller's organization.
async fn find<P>(tx: &mut Tx, member: &Member<P>, id: %Pascal%Id) -> Result<%snakes%::%Pascal%, ApiError> {
    Ok(%snakes%::find(tx, member.organization.id, id).await?.ok_or(refusals::NO_SUCH_%SCREAM%)?)
}

/// Locks the organization. Refuses an `id` that is not one of its %many words%.
async fn lock(tx: &mut Tx, member: &Member<Manage%Pascals%>, id: %Pascal%Id) -> Result<(), ApiError> {
    member.lock(tx).await?;
    find(tx, member, id).await.map(drop)
}
