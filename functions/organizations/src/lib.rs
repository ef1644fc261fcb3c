//! `/v1/organizations` and `/v1/invitations`: tenants, their members, invitations and API keys.

mod api_keys;
mod audit_events;
mod checks;
mod create;
mod delete;
mod invitations;
mod list;
mod members;
mod notices;
mod organization;
mod rate_limits;
mod refusals;
mod restore;
mod second_factor;
mod show;
mod state;
mod update;

use shared::{http::Routes, routes};

pub use state::{OrganizationsState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<OrganizationsState>>() -> R {
    let routes = R::default()
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(restore::restore))
        .routes(routes!(audit_events::list));
    let routes = members::add_routes(routes);
    let routes = invitations::add_routes(routes);
    let routes = rate_limits::add_routes(routes);
    api_keys::add_routes(routes)
}
