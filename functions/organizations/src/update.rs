//! `PATCH /v1/organizations/{organizationId}`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    audit::Action,
    auth::{Member, permission::UpdateOrganization},
    etag::{ETag, IfMatch, STALE},
    extract::{Body, Patch},
    http::RequestInfo,
    ids::OrganizationId,
    page::Data,
    store::{self, organizations::Changes},
    text::{Email, ImageUrl, Name, Slug},
};
use utoipa::ToSchema;

use crate::{OrganizationsState, organization::OrganizationView, refusals};

/// What to change: a member left out stays, `null` removes it (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OrganizationChanges {
    #[serde(default)]
    #[schema(value_type = Option<Name>, nullable = false)]
    name: Patch<Name>,
    #[serde(default)]
    #[schema(value_type = Option<Slug>, nullable = false)]
    slug: Patch<Slug>,
    #[serde(default)]
    #[schema(value_type = Option<ImageUrl>)]
    logo: Patch<ImageUrl>,
    #[serde(default)]
    #[schema(value_type = Option<Email>)]
    billing_email: Patch<Email>,
}

/// Change an organization's profile.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}", tag = "organizations", operation_id = "update_organization",
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), IfMatch),
    request_body(content((OrganizationChanges = "application/json"), (OrganizationChanges = "application/merge-patch+json"))),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The organization as it is now.", body = Data<OrganizationView>),
        (status = 409, description = "`slug-taken`"),
    ),
)]
pub async fn update(
    State(state): State<OrganizationsState>,
    member: Member<UpdateOrganization>,
    request: RequestInfo,
    IfMatch(version): IfMatch,
    Body(changes): Body<OrganizationChanges>,
) -> Result<(ETag, Json<Data<OrganizationView>>), ApiError> {
    let changes = Changes {
        name: changes.name.kept("/name")?,
        slug: changes.slug.kept("/slug")?,
        logo: &changes.logo,
        billing_email: &changes.billing_email,
    };
    let now = state.app.clock.now();
    let organization = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            member.hold(tx, now).await?;
            let organization =
                store::organizations::update(tx, member.organization.id, &changes, version, now)
                    .await
                    .on_constraint("organizations_slug_key", refusals::SLUG_TAKEN)?
                    .ok_or(STALE)?;
            store::audit_events::insert(tx, &member.event(Action::OrganizationUpdated, &request), now)
                .await?;
            Ok(organization)
        })
        .await?;
    Ok((ETag(organization.version), Json(Data { data: organization.into() })))
}
