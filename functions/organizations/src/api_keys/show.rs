//! `GET /v1/organizations/{organizationId}/api-keys/{apiKeyId}`

use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::ManageApiKeys},
    http::extract::Path,
};

use super::{ApiKeyPath, ApiKeyResponse, ApiKeyView, find, respond};
use crate::organization::OrganizationPath;

/// Show an API key, without its secret.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}", tag = "organizations",
    operation_id = "show_api_key", params(OrganizationPath, ApiKeyPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The key.", body = Data<ApiKeyView>),
        (status = 404, description = "`api-key-not-found`"),
    ),
)]
pub async fn show(
    member: Member<ManageApiKeys>,
    Path(path): Path<ApiKeyPath>,
) -> Result<ApiKeyResponse, ApiError> {
    let found = member.read(async |tx| find(tx, &member, path.api_key_id).await);
    Ok(respond(found.await?))
}
