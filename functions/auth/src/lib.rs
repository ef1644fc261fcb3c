//! `/v1/auth`: accounts and their sessions.

mod email;
mod links;
mod mails;
mod me;
mod pages;
mod password;
mod refusals;
mod register;
mod second_factors;
mod sessions;
mod sign_in;
mod sign_in_methods;
mod state;
mod throttle;

use shared::{http::Routes, routes};

pub use state::{AuthState, REQUIRED};

/// All routes of this function. The integration tests and the OpenAPI document use them too.
#[must_use]
pub fn routes<R: Routes<AuthState>>() -> R {
    R::default()
        .routes(routes!(register::register))
        .routes(routes!(sign_in::login::login))
        .routes(routes!(sign_in::magic_links::create::create))
        .routes(routes!(sign_in::magic_links::verify::verify))
        .routes(routes!(sign_in::oauth::exchange::exchange))
        .routes(routes!(sign_in::oauth::confirm::link_identity))
        .routes(routes!(sign_in::challenges::verify::verify))
        .routes(routes!(sign_in::reauthenticate::reauthenticate))
        .routes(routes!(sign_in::reject::reject_sign_in))
        .routes(routes!(second_factors::totp::start::start, second_factors::totp::remove::remove))
        .routes(routes!(second_factors::totp::confirm::confirm))
        .routes(routes!(
            second_factors::recovery_codes::show::show,
            second_factors::recovery_codes::create::create
        ))
        .routes(routes!(sign_in_methods::list::list, sign_in_methods::create::create))
        .routes(routes!(sign_in_methods::remove::remove))
        .routes(routes!(sign_in_methods::passkeys::update::update, sign_in_methods::passkeys::remove::remove))
        .routes(routes!(sessions::refresh::refresh))
        .routes(routes!(sessions::logout::logout))
        .routes(routes!(sessions::logout_all::logout_all))
        .routes(routes!(sessions::list::list))
        .routes(routes!(sessions::show::show, sessions::revoke::revoke))
        .routes(routes!(password::change::change_password))
        .routes(routes!(password::forgot::forgot_password))
        .routes(routes!(password::reset::reset_password))
        .routes(routes!(email::request_verification::request_verification))
        .routes(routes!(email::verify::verify_email))
        .routes(routes!(email::change::change_email))
        .routes(routes!(email::confirm::confirm_email))
        .routes(routes!(email::undo::undo_email_change))
        .routes(routes!(email::reject::reject_link))
        .routes(routes!(me::export::export))
        .routes(routes!(me::create_export::create))
        .routes(routes!(me::audit_events::list))
        .routes(routes!(me::show::show, me::update::update, me::delete::delete))
        .merge(pages::routes())
}
