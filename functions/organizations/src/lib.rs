//! `/v1/organizations` and `/v1/invitations`: tenants, their members, invitations and API keys.

mod api_keys;
mod audit_events;
mod checks;
mod create;
mod delete;
mod invitations;
mod list;
mod members;
mod organization;
mod refusals;
mod show;
mod state;
mod update;

use shared::{http::Routes, routes};

pub use state::{OrganizationsState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<OrganizationsState>>() -> R {
    R::default()
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(members::list::list))
        .routes(routes!(members::show::show, members::update::update, members::delete::delete))
        .routes(routes!(invitations::list::list, invitations::create::create))
        .routes(routes!(invitations::show::show, invitations::revoke::revoke))
        .routes(routes!(invitations::accept::accept))
        .routes(routes!(invitations::decline::decline))
        .routes(routes!(api_keys::list::list, api_keys::create::create))
        .routes(routes!(api_keys::show::show, api_keys::update::update, api_keys::revoke::revoke))
        .routes(routes!(api_keys::rotate::rotate))
        .routes(routes!(audit_events::list))
}
