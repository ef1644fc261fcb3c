//! `POST /v1/organizations/{organizationId}/api-keys`

use axum::{extract::State, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Fresh, Member},
    crypto::api_key::ApiKeyToken,
    db::Tx,
    domain::{
        audit::Action,
        changes::ChangedFields,
        ids::ApiKeyId,
        input::Name,
        page::Data,
        patch::Patch,
        permission::{ManageApiKeys, Scope},
        timestamp::Timestamp,
    },
    http::idempotency::{Create, IdempotencyKey},
    store,
};
use utoipa::ToSchema;

use super::{ApiKeyWithSecret, Scopes, respond_created, scope_names};
use crate::{OrganizationsState, checks::require_proved_address, organization::OrganizationPath, refusals};

/// The lifetime of a key, if the request has no time.
const LIFETIME: TimeDelta = TimeDelta::days(365);

/// A new API key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewApiKey {
    name: Name,
    /// The permissions of the key; at least one.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Scopes,
    /// The key expires then: in a year if left out, never if null.
    #[serde(default)]
    #[schema(value_type = Option<Timestamp>)]
    expires_at: Patch<Timestamp>,
}

/// Create an API key.
///
/// The response contains the key. It is never shown again.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/api-keys", tag = "organizations",
    operation_id = "create_api_key", request_body = NewApiKey,
    params(OrganizationPath, IdempotencyKey),
    security(("bearer" = [])),
    responses(
        (status = 201, description = "The key, with its secret.", body = Data<ApiKeyWithSecret>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 422, description = "`scopes-needed` or `expiry-passed`"),
        (status = 403, description = "`address-not-proved`"),
    ),
)]
pub async fn create(
    State(state): State<OrganizationsState>,
    Fresh(member): Fresh<Member<ManageApiKeys>>,
    Create { new, idempotent }: Create<NewApiKey>,
) -> Result<Response, ApiError> {
    let expires_at = expiry(&new.expires_at, state.app.clock.now())?;
    let scopes = scope_names(&new.scopes)?;
    let token = ApiKeyToken::generate(ApiKeyId::new())?;
    let row = store::api_keys::NewApiKey {
        id: token.id,
        name: new.name.as_ref(),
        scopes: &scopes,
        secret_hash: &token.hash(),
        created_by: member.principal.user_id(),
        expires_at,
    };
    let work = async |tx: &mut Tx| {
        require_proved_address(&member.lock(tx).await?)?;
        let key = store::api_keys::insert(tx, member.organization.id, &row).await?;
        let changes = ChangedFields::default().values("scopes", None, Some(&*key.scopes));
        member.audit_changes(tx, Action::ApiKeyCreated, key.id, &changes).await?;
        Ok((respond_created(key, &token)?, ()))
    };
    let (response, _) = idempotent.run(&member, &state.app.sealer, work).await?;
    Ok(response)
}

/// Returns the time at which the new key expires. Refuses a time in the past.
fn expiry(wanted: &Patch<Timestamp>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, ApiError> {
    match wanted {
        Patch::Keep => Ok(Some(now + LIFETIME)),
        Patch::Clear => Ok(None),
        Patch::Set(Timestamp(at)) if *at > now => Ok(Some(*at)),
        Patch::Set(_) => Err(refusals::EXPIRY_PASSED.at("/expiresAt")),
    }
}
