//! `POST /v1/organizations/{organizationId}/api-keys/{apiKeyId}/rotate`

use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Fresh, Member},
    crypto::api_key::ApiKeyToken,
    db::Tx,
    domain::{audit::Action, input::whole, page::Data, parse::or_default, permission::ManageApiKeys},
    http::{
        extract::Path,
        idempotency::{Create, IdempotencyKey},
    },
    store,
};
use utoipa::ToSchema;

use super::{ApiKeyPath, ApiKeyWithSecret, lock, respond_created};
use crate::{OrganizationsState, organization::OrganizationPath, refusals};

/// A rotation of an API key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rotation {
    /// Seconds for which the old secret stays valid: a day if left out, at most a week; 0 if the secret has leaked.
    #[serde(default, deserialize_with = "or_default")]
    #[schema(value_type = u32, maximum = 604_800, default = 86_400)]
    overlap_seconds: Overlap,
}

/// At most a week, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Overlap(u32);

impl Default for Overlap {
    fn default() -> Self {
        Self(24 * 60 * 60)
    }
}

impl TryFrom<f64> for Overlap {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        match whole(seconds) {
            Some(seconds @ 0..=604_800) => Ok(Self(seconds)),
            _ => Err("an overlap is 0 to 604800 seconds"),
        }
    }
}

/// Give an API key a new secret.
///
/// The old secret stays valid for `overlapSeconds`, so that no request fails during the change. The secret before it becomes invalid at
/// once.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}/rotate", tag = "organizations",
    operation_id = "rotate_api_key", request_body = Rotation,
    params(OrganizationPath, ApiKeyPath, IdempotencyKey),
    security(("bearer" = [])),
    responses(
        (status = 201, description = "The key, with its new secret.", body = Data<ApiKeyWithSecret>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`api-key-not-found`"),
        (status = 409, description = "`api-key-expired`"),
    ),
)]
pub async fn rotate(
    State(state): State<OrganizationsState>,
    Fresh(member): Fresh<Member<ManageApiKeys>>,
    Path(path): Path<ApiKeyPath>,
    Create { new, idempotent }: Create<Rotation>,
) -> Result<Response, ApiError> {
    let (organization, id) = (member.organization.id, path.api_key_id);
    let token = ApiKeyToken::generate(id)?;
    let overlap = TimeDelta::seconds(new.overlap_seconds.0.into());
    let work = async |tx: &mut Tx| {
        lock(tx, &member, id).await?;
        let until = tx.now() + overlap;
        let key = store::api_keys::rotate(tx, organization, id, &token.hash(), until).await?;
        let key = key.ok_or(refusals::API_KEY_EXPIRED)?;
        member.audit(tx, Action::ApiKeyRotated, id).await?;
        Ok((respond_created(key, &token)?, ()))
    };
    let (response, _) = idempotent.run(&member, &state.app.sealer, work).await?;
    Ok(response)
}
