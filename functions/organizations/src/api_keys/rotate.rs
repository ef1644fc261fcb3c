//! `POST /v1/organizations/{organizationId}/api-keys/{apiKeyId}/rotate`

use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError,
    audit::Action,
    auth::{Member, api_key::ApiKeyToken, permission::ManageApiKeys},
    extract::Path,
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey, Made},
    ids::{ApiKeyId, OrganizationId},
    page::Data,
    store,
};
use utoipa::ToSchema;

use super::{ApiKeyPath, ApiKeyWithSecret};
use crate::{OrganizationsState, refusals};

/// How the old secret ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rotation {
    /// How long the old secret stays valid, in seconds: a day if left out, a week at most. 0 if it has leaked.
    #[serde(default)]
    #[schema(value_type = u32, maximum = 604_800, default = 86_400)]
    overlap_seconds: Overlap,
}

/// At most a week, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Overlap(u32);

impl Default for Overlap {
    fn default() -> Self {
        Self(24 * 60 * 60)
    }
}

impl TryFrom<u32> for Overlap {
    type Error = &'static str;

    fn try_from(seconds: u32) -> Result<Self, Self::Error> {
        if seconds <= 7 * 24 * 60 * 60 {
            Ok(Self(seconds))
        } else {
            Err("an overlap is at most 604800 seconds")
        }
    }
}

/// Give an API key a new secret.
///
/// The old one stays valid for a while, so that no request fails meanwhile; the one before it ends at once.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}/rotate", tag = "organizations",
    operation_id = "rotate_api_key", request_body = Rotation,
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("apiKeyId" = ApiKeyId, Path, description = "The key's id."),
        IdempotencyKey,
    ),
    security(("bearer" = [])),
    responses(
        (status = 201, description = "The key, with its new secret.", body = Data<ApiKeyWithSecret>),
        (status = 404, description = "`api-key-not-found`"),
        (status = 409, description = "`api-key-expired`"),
    ),
)]
pub async fn rotate(
    State(state): State<OrganizationsState>,
    member: Member<ManageApiKeys>,
    request: RequestInfo,
    Path(target): Path<ApiKeyPath>,
    Create { new, once }: Create<Rotation>,
) -> Result<Response, ApiError> {
    let (organization, now) = (member.organization.id, state.app.clock.now());
    let token = ApiKeyToken::generate(target.id)?;
    let until = now + TimeDelta::seconds(i64::from(new.overlap_seconds.0));
    let (response, _) = once
        .run(&state.app, &member.principal.name(), async |tx| {
            member.hold(tx, now).await?;
            if store::api_keys::find(tx, organization, target.id).await?.is_none() {
                return Err(refusals::NO_SUCH_API_KEY.into());
            }
            let key = store::api_keys::rotate(tx, organization, target.id, &token.hash(), until, now).await?;
            let key = key.ok_or(refusals::API_KEY_EXPIRED)?;
            let event = member.event(Action::ApiKeyRotated, &request).to(target.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            let version = key.version;
            Ok((Made::new(ApiKeyWithSecret::of(key, &token))?.version(version), ()))
        })
        .await?;
    Ok(response)
}
