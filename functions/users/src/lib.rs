//! `/v1/users` and `/v1/audit-events`: the work of system administrators.

mod audit_events;
mod delete;
mod erase;
mod export;
mod legal_hold;
mod list;
mod mail_suppression;
mod recover;
mod refusals;
mod remove_factors;
mod restore;
mod revoke_sessions;
mod show;
mod state;
mod suspend;
mod update;
mod user;

use shared::{http::Routes, routes};

pub use state::{REQUIRED, UsersState};

/// All routes of this function. The integration tests and the OpenAPI document use them too.
#[must_use]
pub fn routes<R: Routes<UsersState>>() -> R {
    R::default()
        .routes(routes!(list::list))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(suspend::suspend))
        .routes(routes!(restore::restore))
        .routes(routes!(recover::recover))
        .routes(routes!(remove_factors::remove))
        .routes(routes!(erase::erase))
        .routes(routes!(legal_hold::place::place, legal_hold::lift::lift))
        .routes(routes!(mail_suppression::lift))
        .routes(routes!(export::export))
        .routes(routes!(revoke_sessions::revoke_sessions))
        .routes(routes!(audit_events::list))
}
