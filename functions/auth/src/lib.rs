//! `/v1/auth`: accounts and the sessions in which they are used.

mod accounts;
mod change_email;
mod change_password;
mod confirm_email;
mod cookie;
mod forgot_password;
mod grant;
mod login;
mod logout;
mod logout_all;
mod magic_links;
mod mails;
mod me;
mod pages;
mod reauthenticate;
mod refresh;
mod refresh_token;
mod refusals;
mod register;
mod request_verification;
mod reset_password;
mod sessions;
mod state;
mod throttle;
mod verify_email;

use shared::{http::Routes, routes};

pub use state::{AuthState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<AuthState>>() -> R {
    R::default()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(logout_all::logout_all))
        .routes(routes!(change_password::change_password))
        .routes(routes!(request_verification::request_verification))
        .routes(routes!(verify_email::verify_email))
        .routes(routes!(forgot_password::forgot_password))
        .routes(routes!(reset_password::reset_password))
        .routes(routes!(change_email::change_email))
        .routes(routes!(confirm_email::confirm_email))
        .routes(routes!(magic_links::create::create))
        .routes(routes!(magic_links::verify::verify))
        .routes(routes!(accounts::list::list))
        .routes(routes!(accounts::remove::remove))
        .routes(routes!(me::export::export))
        .routes(routes!(me::show::show, me::update::update, me::delete::delete))
        .routes(routes!(sessions::list::list))
        .routes(routes!(sessions::show::show, sessions::revoke::revoke))
        .merge(pages::routes())
}
