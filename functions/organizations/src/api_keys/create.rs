//! `POST /v1/organizations/{organizationId}/api-keys`

use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError,
    audit::Action,
    auth::{
        Member,
        api_key::ApiKeyToken,
        member::Principal,
        permission::{ManageApiKeys, Scope},
    },
    extract::Patch,
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey, Made},
    ids::{ApiKeyId, OrganizationId},
    moment::Moment,
    page::Data,
    store,
    text::Name,
};
use utoipa::ToSchema;

use super::{ApiKeyWithSecret, Scopes, words};
use crate::proved::require_proved_address;
use crate::{OrganizationsState, refusals};

/// How long a key is valid for which nothing else was asked.
const LIFETIME: TimeDelta = TimeDelta::days(365);

/// What to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewApiKey {
    name: Name,
    /// What it may do; at least one.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Scopes,
    /// Until when it is valid: a year if left out, without end if null.
    #[serde(default)]
    #[schema(value_type = Option<Moment>)]
    expires_at: Patch<Moment>,
}

/// Make an API key.
///
/// The answer holds the key; it is never shown again.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/api-keys", tag = "organizations",
    operation_id = "create_api_key", request_body = NewApiKey,
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), IdempotencyKey),
    security(("bearer" = [])),
    responses(
        (status = 201, description = "The key, with its secret.", body = Data<ApiKeyWithSecret>),
        (status = 422, description = "`scopes-needed` or `expiry-passed`"),
        (status = 403, description = "`address-not-proved`"),
    ),
)]
pub async fn create(
    State(state): State<OrganizationsState>,
    member: Member<ManageApiKeys>,
    request: RequestInfo,
    Create { new, once }: Create<NewApiKey>,
) -> Result<Response, ApiError> {
    let now = state.app.clock.now();
    let expires_at = match new.expires_at {
        Patch::Keep => Some(now + LIFETIME),
        Patch::Clear => None,
        Patch::Set(Moment(at)) if at > now => Some(at),
        Patch::Set(_) => return Err(refusals::EXPIRY_PASSED.at("/expiresAt")),
    };
    let created_by = match &member.principal {
        Principal::User(caller) => Some(caller.user),
        Principal::ApiKey(_) => None,
    };
    let scopes = words(&new.scopes)?;
    let token = ApiKeyToken::generate(ApiKeyId::new())?;
    let (response, _) = once
        .run(&state.app, &member.principal.name(), async |tx| {
            member.hold(tx, now).await?;
            require_proved_address(tx, &member.principal).await?;
            let row = store::api_keys::NewApiKey {
                id: token.id,
                name: new.name.as_ref(),
                scopes: &scopes,
                secret_hash: &token.hash(),
                created_by,
                expires_at,
            };
            let key = store::api_keys::insert(tx, member.organization.id, &row, now).await?;
            let event = member.event(Action::ApiKeyCreated, &request).to(key.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            let version = key.version;
            Ok((Made::new(ApiKeyWithSecret::of(key, &token))?.version(version), ()))
        })
        .await?;
    Ok(response)
}
