//! `PATCH /v1/organizations/{organizationId}/api-keys/{apiKeyId}`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Fresh, Member},
    domain::{
        audit::Action,
        changes::ChangedFields,
        input::Name,
        page::Data,
        patch::Patch,
        permission::{ManageApiKeys, Scope},
    },
    http::{
        etag::{IfMatch, STALE},
        extract::{Body, Path},
    },
    store,
};
use utoipa::ToSchema;

use super::{ApiKeyPath, ApiKeyResponse, ApiKeyView, Scopes, lock, respond, scope_names};
use crate::organization::OrganizationPath;

/// Changes of an API key. An absent member does not change.
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

/// Change the name or the scopes of an API key.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}", tag = "organizations",
    operation_id = "update_api_key",
    params(OrganizationPath, ApiKeyPath, IfMatch),
    request_body(content((ApiKeyChanges = "application/json"), (ApiKeyChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The changed key.", body = Data<ApiKeyView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 422, description = "`scopes-needed`"),
        (status = 404, description = "`api-key-not-found`"),
    ),
)]
pub async fn update(
    Fresh(member): Fresh<Member<ManageApiKeys>>,
    Path(path): Path<ApiKeyPath>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<ApiKeyChanges>,
) -> Result<ApiKeyResponse, ApiError> {
    let (organization, id) = (member.organization.id, path.api_key_id);
    let name = changes.name.kept("/name")?.map(AsRef::as_ref);
    let scopes = changes.scopes.kept("/scopes")?.map(scope_names).transpose()?;
    let new = (name, scopes.as_deref());
    let updated = member.transaction(async |tx| {
        let before = lock(tx, &member, id).await?;
        let key = store::api_keys::update(tx, organization, id, new, versions.as_deref()).await?;
        let key = key.ok_or(STALE)?;
        let changes = ChangedFields::default().name("name", name.is_some());
        let changes = changes.values("scopes", Some(&*before.scopes), Some(&*key.scopes));
        member.audit_changes(tx, Action::ApiKeyUpdated, id, &changes).await?;
        Ok(key)
    });
    Ok(respond(updated.await?))
}
