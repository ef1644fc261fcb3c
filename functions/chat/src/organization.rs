//! The organization in a path.

use shared::domain::ids::OrganizationId;
use utoipa::IntoParams;

/// The path of an organization, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a parameter that `Member` reads")]
pub struct OrganizationPath {
    /// The organization's id.
    organization_id: OrganizationId,
}
