//! `PATCH /v1/organizations/{organizationId}`

use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    auth::{Actor, Member},
    domain::{
        audit::Action,
        input::{Email, ImageUrl, Name, Slug},
        page::Data,
        patch::Patch,
        permission::UpdateOrganization,
        timestamp::Timestamp,
    },
    http::{
        etag::{IfMatch, STALE},
        extract::Body,
    },
    store::{self, organizations::Changes},
};
use utoipa::ToSchema;

use crate::{
    organization::{OrganizationPath, OrganizationResponse, OrganizationView, respond},
    refusals,
    second_factor::require_may_change,
};

/// Changes of an organization. An absent member does not change, `null` removes the value (RFC 7396).
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
    /// The time since which members need a second factor: give them some days. `null`: they need none. Only owners with a recent sign-in change
    /// it, and only those whose own session has shown a second factor set it.
    #[serde(default)]
    #[schema(value_type = Option<Timestamp>)]
    second_factor_required_from: Patch<Timestamp>,
}

/// Change an organization's profile, or what it requires of its members.
///
/// A member whose session has shown one factor gets 403 `second-factor-needed` from `secondFactorRequiredFrom` on. API keys are not affected.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}", tag = "organizations", operation_id = "update_organization",
    params(OrganizationPath, IfMatch),
    request_body(content((OrganizationChanges = "application/json"), (OrganizationChanges = "application/merge-patch+json"))),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The changed organization.", body = Data<OrganizationView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`role-needed` or `second-factor-needed`"),
        (status = 409, description = "`slug-taken`"),
    ),
)]
pub async fn update(
    member: Member<UpdateOrganization>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<OrganizationChanges>,
) -> Result<OrganizationResponse, ApiError> {
    let id = member.organization.id;
    let changes = Changes {
        name: changes.name.kept("/name")?,
        slug: changes.slug.kept("/slug")?,
        logo: &changes.logo,
        billing_email: &changes.billing_email,
        second_factor_from: &changes.second_factor_required_from,
    };
    let updated = member.transaction(async |tx| {
        let own = member.lock(tx).await?.role;
        if let (true, from) = changes.second_factor_from.change() {
            require_may_change(tx, &member, own, from.map(|from| from.0)).await?;
        }
        let organization = store::organizations::update(tx, id, &changes, versions.as_deref())
            .await
            .on_constraint("organizations_slug_key", refusals::SLUG_TAKEN)?
            .ok_or(STALE)?;
        member.audit_changes(tx, Action::OrganizationUpdated, id, &changes.names()).await?;
        Ok(organization)
    });
    Ok(respond(updated.await?))
}
