//! `PUT …/rate-limit` of an organization and of an API key: the work of system administrators.

use axum::Json;
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::{Actor, Administrator, Fresh, member::NO_SUCH_ORGANIZATION},
    db::Tx,
    domain::{
        audit::Action,
        ids::{ApiKeyId, OrganizationId},
        input::whole,
        page::Data,
        parse::nullable,
    },
    http::{
        Routes,
        extract::{Body, Path},
    },
    routes, store,
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{OrganizationsState, refusals};

pub fn add_routes<R: Routes<OrganizationsState>>(routes: R) -> R {
    routes.routes(routes!(of_organization)).routes(routes!(of_api_key))
}

/// The path of an organization.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct LimitedOrganization {
    /// The organization's id.
    organization_id: OrganizationId,
}

/// The path of an API key of an organization.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct LimitedKey {
    /// The organization's id.
    organization_id: OrganizationId,
    /// The key's id.
    api_key_id: ApiKeyId,
}

/// A limit of requests.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RateLimit {
    /// The requests that an API key may make per window; null for the default.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<u32>, required, minimum = 1, maximum = 1_000_000, example = 1000)]
    requests_per_window: Option<Requests>,
}

/// 1 to 1,000,000.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "f64")]
struct Requests(i32);

impl TryFrom<f64> for Requests {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        match whole(number) {
            Some(number @ 1..=1_000_000) => Ok(Self(number)),
            _ => Err("a limit is 1 to 1000000 requests"),
        }
    }
}

impl RateLimit {
    fn number(self) -> Option<i32> {
        self.requests_per_window.map(|Requests(number)| number)
    }
}

/// Set the limit of requests of an organization's API keys.
///
/// Each key without a limit of its own may make this many requests per window. It takes effect within one window.
#[utoipa::path(
    put, path = "/v1/organizations/{organizationId}/rate-limit", tag = "users",
    operation_id = "set_organization_rate_limit", request_body = RateLimit,
    params(LimitedOrganization), security(("bearer" = [])),
    responses(
        (status = 200, description = "The limit.", body = Data<RateLimit>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`organization-not-found`"),
    ),
)]
async fn of_organization(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<LimitedOrganization>,
    Body(limit): Body<RateLimit>,
) -> Result<Json<Data<RateLimit>>, ApiError> {
    let id = path.organization_id;
    let set = administrator.transaction(async |tx| {
        if !store::organizations::set_rate_limit(tx, id, limit.number()).await? {
            return Err(NO_SUCH_ORGANIZATION.into());
        }
        audit(tx, &administrator, Action::OrganizationRateLimitSet, id, id.0).await
    });
    set.await?;
    Ok(Json(Data { data: limit }))
}

/// Set the limit of requests of an API key.
///
/// It takes precedence over the limit of the organization, and takes effect within one window.
#[utoipa::path(
    put, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}/rate-limit", tag = "users",
    operation_id = "set_api_key_rate_limit", request_body = RateLimit,
    params(LimitedKey), security(("bearer" = [])),
    responses(
        (status = 200, description = "The limit.", body = Data<RateLimit>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`organization-not-found` or `api-key-not-found`"),
    ),
)]
async fn of_api_key(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<LimitedKey>,
    Body(limit): Body<RateLimit>,
) -> Result<Json<Data<RateLimit>>, ApiError> {
    let (organization, id) = (path.organization_id, path.api_key_id);
    let set = administrator.transaction(async |tx| {
        if !store::organizations::lock(tx, organization).await? {
            return Err(NO_SUCH_ORGANIZATION.into());
        }
        if !store::api_keys::set_rate_limit(tx, organization, id, limit.number()).await? {
            return Err(refusals::NO_SUCH_API_KEY.into());
        }
        audit(tx, &administrator, Action::ApiKeyRateLimitSet, organization, id.0).await
    });
    set.await?;
    Ok(Json(Data { data: limit }))
}

/// Records that the administrator did `action` in the organization.
async fn audit(
    tx: &mut Tx,
    administrator: &Administrator,
    action: Action,
    organization: OrganizationId,
    target: Uuid,
) -> Result<(), ApiError> {
    let event = administrator.caller.event(action).within(organization).to(target);
    Ok(store::audit_events::insert(tx, &event).await?)
}
