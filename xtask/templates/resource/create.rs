//! `POST /v1/organizations/{organizationId}/%kebabs%`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Member,
    db::Tx,
    domain::{audit::Action, input::Name, page::Data, permission::Manage%Pascals%},
    http::idempotency::{Create, Created, IdempotencyKey},
    store,
};
use utoipa::ToSchema;

use super::%Pascal%View;
use crate::{OrganizationsState, organization::OrganizationPath};

/// A new %words%.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct New%Pascal% {
    name: Name,
}

/// Create %a words%.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/%kebabs%", tag = "organizations",
    operation_id = "create_%snake%", request_body = New%Pascal%,
    params(OrganizationPath, IdempotencyKey),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "The new %words%.", body = Data<%Pascal%View>)),
)]
pub async fn create(
    State(state): State<OrganizationsState>,
    member: Member<Manage%Pascals%>,
    Create { new, idempotent }: Create<New%Pascal%>,
) -> Result<Response, ApiError> {
    let (organization, name) = (member.organization.id, new.name.as_ref());
    let created_by = member.principal.user_id();
    let work = async |tx: &mut Tx| {
        member.lock(tx).await?;
        let row = store::%snakes%::insert(tx, organization, name, created_by).await?;
        member.audit(tx, Action::%Pascal%Created, row.id).await?;
        let version = row.version;
        Ok((Created::new(%Pascal%View::from(row))?.version(version), ()))
    };
    let (response, _) = idempotent.run(&member, &state.app.sealer, work).await?;
    Ok(response)
}
