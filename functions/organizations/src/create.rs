//! `POST /v1/organizations`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    auth::Caller,
    db::Tx,
    domain::{
        audit::Action,
        ids::OrganizationId,
        input::{Email, ImageUrl, Name, Slug},
        page::Data,
    },
    http::idempotency::{Create, Created, IdempotencyKey},
    store::{
        self,
        organizations::{self, Organization},
    },
};
use utoipa::ToSchema;

use crate::{OrganizationsState, organization::OrganizationView, refusals};

/// A new organization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewOrganization {
    name: Name,
    /// Generated if it is left out.
    slug: Option<Slug>,
    logo: Option<ImageUrl>,
    billing_email: Option<Email>,
}

/// Make an organization.
///
/// The caller becomes its owner.
#[utoipa::path(
    post, path = "/v1/organizations", tag = "organizations", operation_id = "create_organization",
    request_body = NewOrganization, params(IdempotencyKey), security(("bearer" = [])),
    responses(
        (status = 201, description = "The organization.", body = Data<OrganizationView>),
        (status = 409, description = "`slug-taken`"),
    ),
)]
pub async fn create(
    State(state): State<OrganizationsState>,
    caller: Caller,
    Create { new, idempotent }: Create<NewOrganization>,
) -> Result<Response, ApiError> {
    let work = async |tx: &mut Tx| {
        let organization = insert(tx, &caller, &new).await?;
        let version = organization.version;
        Ok((Created::new(OrganizationView::from(organization))?.version(version), ()))
    };
    let (response, _) = idempotent.run(&caller, &state.app.sealer, work).await?;
    Ok(response)
}

/// Adds the organization, with the caller as its owner.
async fn insert(tx: &mut Tx, caller: &Caller, new: &NewOrganization) -> Result<Organization, ApiError> {
    let id = OrganizationId::new();
    let slug = new.slug.clone().unwrap_or_else(|| Slug::of(id));
    let new = organizations::NewOrganization {
        id,
        name: new.name.as_ref(),
        slug: slug.as_ref(),
        logo: new.logo.as_ref().map(AsRef::as_ref),
        billing_email: new.billing_email.as_ref().map(AsRef::as_ref),
        personal_to: None,
    };
    let organization = organizations::insert(tx, &new, caller.user)
        .await
        .on_constraint("organizations_slug_key", refusals::SLUG_TAKEN)?;
    let event = caller.event(Action::OrganizationCreated).within(id).to(id.0);
    store::audit_events::insert(tx, &event).await?;
    Ok(organization)
}
