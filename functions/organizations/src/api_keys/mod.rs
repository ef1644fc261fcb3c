//! `/v1/organizations/{organizationId}/api-keys`: credentials of programs.

pub mod create;
pub mod list;
pub mod revoke;
pub mod rotate;
pub mod show;
pub mod update;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::{api_key::ApiKeyToken, permission::Scope},
    ids::{ApiKeyId, UserId},
    store::api_keys,
};
use utoipa::ToSchema;

use crate::refusals;

/// Which key, in the path.
#[derive(Deserialize)]
pub struct ApiKeyPath {
    #[serde(rename = "apiKeyId")]
    id: ApiKeyId,
}

/// A program's credential, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    id: ApiKeyId,
    #[schema(example = "Nightly import", min_length = 1, max_length = 100)]
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// Which user made it; null once they are erased.
    created_by: Option<UserId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Until when it is valid; null if without end.
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// Until when the secret before a rotation is valid too.
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

/// A program's credential, with its secret: this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyWithSecret {
    #[serde(flatten)]
    view: ApiKeyView,
    /// Send it as `Authorization: Bearer …` or `X-API-Key: …`. It is shown now and never again.
    #[schema(
        example = "ak_01890a5d0b3c7def8123456789abcdef_abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwxyz2",
        min_length = 95,
        max_length = 95
    )]
    key: String,
}

impl ApiKeyWithSecret {
    fn of(key: api_keys::ApiKey, token: &ApiKeyToken) -> Self {
        Self { view: key.into(), key: token.reveal().to_owned() }
    }
}

/// Scopes that someone may send: no more than there are.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<Scope>")]
struct Scopes(BTreeSet<Scope>);

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = &'static str;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, Self::Error> {
        if scopes.len() > Scope::ALL.len() {
            return Err("these are more scopes than there are");
        }
        Ok(Self(scopes.into_iter().collect()))
    }
}

/// The words of `scopes`, of which there must be one.
fn words(Scopes(scopes): &Scopes) -> Result<Vec<String>, ApiError> {
    if scopes.is_empty() {
        return Err(refusals::SCOPES_NEEDED.at("/scopes"));
    }
    Ok(scopes.iter().map(|scope| scope.word().to_owned()).collect())
}
