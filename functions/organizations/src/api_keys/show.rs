//! `GET /v1/organizations/{organizationId}/api-keys/{apiKeyId}`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Member, permission::ManageApiKeys},
    etag::ETag,
    extract::Path,
    ids::{ApiKeyId, OrganizationId},
    page::Data,
    store,
};

use super::{ApiKeyPath, ApiKeyView};
use crate::{OrganizationsState, refusals};

/// Show an API key, without its secret.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}", tag = "organizations",
    operation_id = "show_api_key",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("apiKeyId" = ApiKeyId, Path, description = "The key's id."),
    ),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The key.", body = Data<ApiKeyView>),
        (status = 404, description = "`api-key-not-found`"),
    ),
)]
pub async fn show(
    State(state): State<OrganizationsState>,
    member: Member<ManageApiKeys>,
    Path(target): Path<ApiKeyPath>,
) -> Result<(ETag, Json<Data<ApiKeyView>>), ApiError> {
    let organization = member.organization.id;
    let found = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::api_keys::find(tx, organization, target.id).await?))
        .await?;
    let found = found.ok_or(refusals::NO_SUCH_API_KEY)?;
    Ok((ETag(found.version), Json(Data { data: found.into() })))
}
