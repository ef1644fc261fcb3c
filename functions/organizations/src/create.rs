//! `POST /v1/organizations`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    auth::{Caller, caller::UNAUTHENTICATED},
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

/// Organizations that a user may own. The personal one does not count.
const MAX_OWNED: i64 = 20;

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

/// Create an organization.
///
/// The caller becomes its owner. A user with a verified address can own 20 organizations.
#[utoipa::path(
    post, path = "/v1/organizations", tag = "organizations", operation_id = "create_organization",
    request_body = NewOrganization, params(IdempotencyKey), security(("bearer" = [])),
    responses(
        (status = 201, description = "The organization.", body = Data<OrganizationView>),
        (status = 403, description = "`address-not-proved`"),
        (status = 409, description = "`slug-taken` or `too-many-organizations`"),
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

/// Adds the organization, with the caller as its owner. Locks the caller, so that concurrent requests cannot pass the limit.
async fn insert(tx: &mut Tx, caller: &Caller, new: &NewOrganization) -> Result<Organization, ApiError> {
    let user = store::users::lock(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
    if user.email_verified_at.is_none() {
        return Err(refusals::ADDRESS_NOT_PROVED.into());
    }
    if organizations::count_owned(tx, caller.user).await? >= MAX_OWNED {
        return Err(refusals::TOO_MANY_ORGANIZATIONS.into());
    }
    let id = OrganizationId::new();
    let slug = new.slug.clone().unwrap_or_else(|| Slug::of(id));
    let new = organizations::NewOrganization {
        id,
        name: new.name.as_ref(),
        slug: slug.as_ref(),
        logo: new.logo.as_ref().map(AsRef::as_ref),
        billing_email: new.billing_email.as_ref().map(AsRef::as_ref),
    };
    let organization = organizations::insert(tx, &new, caller.user)
        .await
        .on_constraint("organizations_slug_key", refusals::SLUG_TAKEN)?;
    let event = caller.event(Action::OrganizationCreated).within(id).to(id.0);
    store::audit_events::insert(tx, &event).await?;
    Ok(organization)
}
