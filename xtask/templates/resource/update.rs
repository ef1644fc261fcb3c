//! `PATCH /v1/organizations/{organizationId}/%kebabs%/{%camel%Id}`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        audit::Action, changes::ChangedFields, input::Name, page::Data, patch::Patch, permission::Manage%Pascals%,
    },
    http::{
        etag::{IfMatch, STALE},
        extract::{Body, Path},
    },
    store,
};
use utoipa::ToSchema;

use super::{%Pascal%Path, %Pascal%Response, %Pascal%View, lock, respond};
use crate::organization::OrganizationPath;

/// Changes of %a words%. An absent member does not change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct %Pascal%Changes {
    #[serde(default)]
    #[schema(value_type = Option<Name>, nullable = false)]
    name: Patch<Name>,
}

/// Change %a words%.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/%kebabs%/{%camel%Id}", tag = "organizations",
    operation_id = "update_%snake%",
    params(OrganizationPath, %Pascal%Path, IfMatch),
    request_body(content((%Pascal%Changes = "application/json"), (%Pascal%Changes = "application/merge-patch+json"))),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The changed %words%.", body = Data<%Pascal%View>),
        (status = 404, description = "`%kebab%-not-found`"),
    ),
)]
pub async fn update(
    member: Member<Manage%Pascals%>,
    Path(path): Path<%Pascal%Path>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<%Pascal%Changes>,
) -> Result<%Pascal%Response, ApiError> {
    let (organization, id) = (member.organization.id, path.%snake%_id);
    let name = changes.name.kept("/name")?.map(AsRef::as_ref);
    let updated = member.transaction(async |tx| {
        lock(tx, &member, id).await?;
        let row = store::%snakes%::update(tx, organization, id, name, versions.as_deref()).await?;
        let row = row.ok_or(STALE)?;
        let changes = ChangedFields::default().name("name", name.is_some());
        member.audit_changes(tx, Action::%Pascal%Updated, id, &changes).await?;
        Ok(row)
    });
    Ok(respond(updated.await?))
}
