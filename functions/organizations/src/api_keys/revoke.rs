//! `DELETE /v1/organizations/{organizationId}/api-keys/{apiKeyId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{audit::Action, permission::ManageApiKeys},
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store,
};

use super::{ApiKeyPath, find};
use crate::organization::OrganizationPath;

/// Revoke an API key.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}", tag = "organizations",
    operation_id = "revoke_api_key",
    params(OrganizationPath, ApiKeyPath, IfMatch),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The key is not valid any more."),
        (status = 404, description = "`api-key-not-found`"),
    ),
)]
pub async fn revoke(
    member: Member<ManageApiKeys>,
    Path(path): Path<ApiKeyPath>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, id) = (member.organization.id, path.api_key_id);
    member
        .transaction(async |tx| {
            member.lock(tx).await?;
            if !store::api_keys::revoke(tx, organization, id, versions.as_deref()).await? {
                // Refused for another reason if there is no such key.
                find(tx, &member, id).await?;
                return Err(STALE.into());
            }
            member.audit(tx, Action::ApiKeyRevoked, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
