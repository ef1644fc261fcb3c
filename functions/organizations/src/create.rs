//! `POST /v1/organizations`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    audit::{Action, Event},
    auth::Caller,
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey, Made},
    ids::OrganizationId,
    page::Data,
    store::{self, organizations},
    text::{Email, ImageUrl, Name, Slug},
};
use utoipa::ToSchema;

use crate::{OrganizationsState, organization::OrganizationView, refusals};

/// What to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewOrganization {
    name: Name,
    /// One is made up if it is left out.
    slug: Option<Slug>,
    logo: Option<ImageUrl>,
    billing_email: Option<Email>,
}

/// Make an organization.
///
/// Whoever makes it is its owner.
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
    request: RequestInfo,
    Create { new, once }: Create<NewOrganization>,
) -> Result<Response, ApiError> {
    let now = state.app.clock.now();
    let (response, _) = once
        .run(&state.app, &format!("user:{}", caller.user), async |tx| {
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
            let organization = store::organizations::insert(tx, &new, caller.user, now)
                .await
                .on_constraint("organizations_slug_key", refusals::SLUG_TAKEN)?;
            let event = Event::new(Action::OrganizationCreated, caller.user, &request);
            let event = event.through(caller.session).within(id).to(id.0);
            store::audit_events::insert(tx, &event, now).await?;
            let version = organization.version;
            Ok((Made::new(OrganizationView::from(organization))?.version(version), ()))
        })
        .await?;
    Ok(response)
}
