//! `DELETE /v1/organizations/{organizationId}/api-keys/{apiKeyId}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    audit::Action,
    auth::{Member, permission::ManageApiKeys},
    etag::{IfMatch, STALE},
    extract::Path,
    http::RequestInfo,
    ids::{ApiKeyId, OrganizationId},
    store,
};

use super::ApiKeyPath;
use crate::{OrganizationsState, refusals};

/// Revoke an API key, at once.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}", tag = "organizations",
    operation_id = "revoke_api_key",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("apiKeyId" = ApiKeyId, Path, description = "The key's id."),
        IfMatch,
    ),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The key is worth nothing any more."),
        (status = 404, description = "`api-key-not-found`"),
    ),
)]
pub async fn revoke(
    State(state): State<OrganizationsState>,
    member: Member<ManageApiKeys>,
    request: RequestInfo,
    Path(target): Path<ApiKeyPath>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, now) = (member.organization.id, state.app.clock.now());
    state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            member.hold(tx, now).await?;
            if store::api_keys::find(tx, organization, target.id).await?.is_none() {
                return Err(refusals::NO_SUCH_API_KEY.into());
            }
            if !store::api_keys::revoke(tx, organization, target.id, version, now).await? {
                return Err(STALE.into());
            }
            let event = member.event(Action::ApiKeyRevoked, &request).to(target.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
