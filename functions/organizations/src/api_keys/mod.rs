//! `/v1/organizations/{organizationId}/api-keys`: credentials of programs.

mod create;
mod list;
mod revoke;
mod rotate;
mod show;
mod update;

use std::collections::BTreeSet;

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::Member,
    crypto::api_key::ApiKeyToken,
    db::Tx,
    domain::{
        ids::{ApiKeyId, UserId},
        page::Data,
        permission::{ManageApiKeys, Scope},
    },
    http::{Routes, etag::ETag, idempotency::Created},
    routes,
    store::api_keys,
};
use utoipa::{IntoParams, ToSchema};

use crate::{OrganizationsState, refusals};

pub fn add_routes<R: Routes<OrganizationsState>>(routes: R) -> R {
    routes
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, update::update, revoke::revoke))
        .routes(routes!(rotate::rotate))
}

/// The path of an API key.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct ApiKeyPath {
    /// The key's id.
    api_key_id: ApiKeyId,
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    id: ApiKeyId,
    #[schema(example = "Nightly import", min_length = 1, max_length = 100)]
    name: String,
    /// The permissions of the key.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// The user who created it; null once they are erased.
    created_by: Option<UserId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// The key expires then; null if never.
    expires_at: Option<DateTime<Utc>>,
    /// The time of the last use, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// Until then, the secret before the last rotation is valid too.
    previous_expires_at: Option<DateTime<Utc>>,
}

impl From<api_keys::ApiKey> for ApiKeyView {
    fn from(key: api_keys::ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: key.scopes,
            created_by: key.created_by,
            created_at: key.created_at,
            updated_at: key.updated_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            previous_expires_at: key.previous_expires_at,
        }
    }
}

/// An API key with its secret, which is shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyWithSecret {
    #[serde(flatten)]
    view: ApiKeyView,
    /// The key. Send it as `Authorization: Bearer …` or `X-API-Key: …`. It is never shown again.
    #[schema(
        example = "ak_01890a5d0b3c7def8123456789abcdef_abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwxyz2",
        min_length = 95,
        max_length = 95
    )]
    key: String,
}

/// An API key, with its version as `ETag`.
pub type ApiKeyResponse = (ETag, Json<Data<ApiKeyView>>);

fn respond(key: api_keys::ApiKey) -> ApiKeyResponse {
    (ETag(key.version), Json(Data { data: key.into() }))
}

/// Builds the response with a new secret, the one of `token`.
fn respond_created(key: api_keys::ApiKey, token: &ApiKeyToken) -> anyhow::Result<Created> {
    let version = key.version;
    let data = ApiKeyWithSecret { view: key.into(), key: token.reveal().to_owned() };
    Ok(Created::new(data)?.version(version))
}

/// Loads the key `id` of the caller's organization.
async fn find(
    tx: &mut Tx,
    member: &Member<ManageApiKeys>,
    id: ApiKeyId,
) -> Result<api_keys::ApiKey, ApiError> {
    Ok(api_keys::find(tx, member.organization.id, id).await?.ok_or(refusals::NO_SUCH_API_KEY)?)
}

/// Locks the organization, and loads its key `id`.
async fn lock(
    tx: &mut Tx,
    member: &Member<ManageApiKeys>,
    id: ApiKeyId,
) -> Result<api_keys::ApiKey, ApiError> {
    member.lock(tx).await?;
    find(tx, member, id).await
}

/// The scopes in a request: at most as many as exist.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<Scope>")]
struct Scopes(BTreeSet<Scope>);

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = &'static str;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, Self::Error> {
        if scopes.len() > Scope::ALL.len() {
            return Err("there are more scopes in this list than exist");
        }
        Ok(Self(scopes.into_iter().collect()))
    }
}

/// Returns the names of `scopes`. Refuses an empty set.
fn scope_names(Scopes(scopes): &Scopes) -> Result<Vec<String>, ApiError> {
    if scopes.is_empty() {
        return Err(refusals::SCOPES_NEEDED.at("/scopes"));
    }
    Ok(scopes.iter().map(|scope| scope.as_str().to_owned()).collect())
}
