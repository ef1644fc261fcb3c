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

/// An organization: a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub struct OrganizationView {
    id: OrganizationId,
    #[schema(example = "Analytical Engines", min_length = 1, max_length = 120)]
    name: String,
    /// The name in URLs. No other organization has it.
    #[schema(example = "analytical-engines", min_length = 1, max_length = 63)]
    slug: String,
    /// The URL of a picture.
    #[schema(max_length = 2048)]
    logo: Option<String>,
    /// The address for bills.
    #[schema(example = "bills@example.com", min_length = 3, max_length = 254)]
    billing_email: Option<String>,
    /// The plan that the organization pays for.
    #[schema(example = "free", max_length = 16)]
    plan: String,
    /// Whether it is the personal organization of a user.
    personal: bool,
    /// The time since which members need a second factor; null if they need none. API keys need none.
    second_factor_required_from: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Null if the organization is not deleted.
    deleted_at: Option<DateTime<Utc>>,
    /// The time before which an owner can restore the deleted organization; null if it is not deleted.
    restorable_until: Option<DateTime<Utc>>,
}

impl From<organizations::Organization> for OrganizationView {
    fn from(organization: organizations::Organization) -> Self {
        let restorable_until = organization.restorable_until();
        Self {
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            logo: organization.logo,
            billing_email: organization.billing_email,
            plan: organization.plan,
            personal: organization.personal_to.is_some(),
            second_factor_required_from: organization.second_factor_from,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
            deleted_at: organization.deleted_at,
            restorable_until,
        }
    }
}

/// An organization, with its version as `ETag`.
pub type OrganizationResponse = (ETag, Json<Data<OrganizationView>>);

pub fn respond(organization: organizations::Organization) -> OrganizationResponse {
    (ETag(organization.version), Json(Data { data: organization.into() }))
}
