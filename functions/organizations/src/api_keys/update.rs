//! `PATCH /v1/organizations/{organizationId}/api-keys/{apiKeyId}`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::Action,
    auth::{
        Member,
        permission::{ManageApiKeys, Scope},
    },
    etag::{ETag, IfMatch, STALE},
    extract::{Body, Patch, Path},
    http::RequestInfo,
    ids::{ApiKeyId, OrganizationId},
    page::Data,
    store,
    text::Name,
};
use utoipa::ToSchema;

use super::{ApiKeyPath, ApiKeyView, Scopes, words};
use crate::{OrganizationsState, refusals};

/// What to change: a member left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyChanges {
    #[serde(default)]
    #[schema(value_type = Option<Name>, nullable = false)]
    name: Patch<Name>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<Scope>>, nullable = false, min_items = 1)]
    scopes: Patch<Scopes>,
}

/// Rename an API key, or give it other scopes.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}", tag = "organizations",
    operation_id = "update_api_key",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("apiKeyId" = ApiKeyId, Path, description = "The key's id."),
        IfMatch,
    ),
    request_body(content((ApiKeyChanges = "application/json"), (ApiKeyChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The key as it is now.", body = Data<ApiKeyView>),
        (status = 422, description = "`scopes-needed`"),
        (status = 404, description = "`api-key-not-found`"),
    ),
)]
pub async fn update(
    State(state): State<OrganizationsState>,
    member: Member<ManageApiKeys>,
    request: RequestInfo,
    Path(target): Path<ApiKeyPath>,
    IfMatch(version): IfMatch,
    Body(changes): Body<ApiKeyChanges>,
) -> Result<(ETag, Json<Data<ApiKeyView>>), ApiError> {
    let name = changes.name.kept("/name")?;
    let scopes = changes.scopes.kept("/scopes")?;
    let scopes = scopes.map(words).transpose()?;
    let (organization, now) = (member.organization.id, state.app.clock.now());
    let key = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            member.hold(tx, now).await?;
            if store::api_keys::find(tx, organization, target.id).await?.is_none() {
                return Err(refusals::NO_SUCH_API_KEY.into());
            }
            let new = (name.map(AsRef::as_ref), scopes.as_deref());
            let key = store::api_keys::update(tx, organization, target.id, new, version, now).await?;
            let event = member.event(Action::ApiKeyUpdated, &request).to(target.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(key.ok_or(STALE)?)
        })
        .await?;
    Ok((ETag(key.version), Json(Data { data: key.into() })))
}
