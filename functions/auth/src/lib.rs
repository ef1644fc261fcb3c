//! `/v1/auth`: accounts and the sessions in which they are used.

mod change_password;
mod cookie;
mod grant;
mod login;
mod logout;
mod logout_all;
mod mails;
mod me;
mod refresh;
mod refresh_token;
mod refusals;
mod register;
mod request_verification;
mod sessions;
mod state;
mod throttle;
mod verify_email;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use state::{AuthState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes() -> OpenApiRouter<AuthState> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(logout_all::logout_all))
        .routes(routes!(change_password::change_password))
        .routes(routes!(request_verification::request_verification))
        .routes(routes!(verify_email::verify_email))
        .routes(routes!(me::show::show, me::update::update, me::delete::delete))
        .routes(routes!(sessions::list::list))
        .routes(routes!(sessions::show::show, sessions::revoke::revoke))
}
