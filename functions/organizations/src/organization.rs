//! An organization as the API shows it.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    domain::{ids::OrganizationId, page::Data},
    http::etag::ETag,
    store::organizations,
};
use utoipa::{IntoParams, ToSchema};

/// The path of an organization, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a parameter that `Member` reads")]
pub struct OrganizationPath {
    /// The organization's id.
    organization_id: OrganizationId,
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub struct OrganizationView {
    id: OrganizationId,
    #[schema(example = "Analytical Engines", min_length = 1, max_length = 120)]
    name: String,
    /// Its name in URLs, unlike any other's.
    #[schema(example = "analytical-engines", min_length = 1, max_length = 63)]
    slug: String,
    /// A picture's URL.
    #[schema(max_length = 2048)]
    logo: Option<String>,
    /// Where bills go.
    #[schema(example = "bills@example.com", min_length = 3, max_length = 254)]
    billing_email: Option<String>,
    /// What it pays for.
    #[schema(example = "free", max_length = 16)]
    plan: String,
    /// Whether it is a person's own space.
    personal: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<organizations::Organization> for OrganizationView {
    fn from(organization: organizations::Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            logo: organization.logo,
            billing_email: organization.billing_email,
            plan: organization.plan,
            personal: organization.personal_to.is_some(),
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

/// An organization, with its version as `ETag`.
pub type OrganizationResponse = (ETag, Json<Data<OrganizationView>>);

pub fn respond(organization: organizations::Organization) -> OrganizationResponse {
    (ETag(organization.version), Json(Data { data: organization.into() }))
}
