//! `/v1/auth/oauth/{provider}/…`: the way to an identity provider and back. It confirms who somebody is there. `/v1/auth/passkeys…`: ceremonies
//! with passkeys. It signs nobody in: `auth` does, which has the key of the tokens and no way out to a provider.

mod authorize;
mod callback;
mod client;
mod endpoints;
mod flow;
mod front_end;
mod github;
mod id_token;
mod passkeys;
mod provider;
mod refusals;
mod state;

use shared::{http::Routes, routes};

pub use state::{OauthState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<OauthState>>() -> R {
    R::default()
        .routes(routes!(authorize::authorize))
        .routes(routes!(callback::callback))
        .routes(routes!(passkeys::addition::begin))
        .routes(routes!(passkeys::add::add))
        .routes(routes!(passkeys::sign_in_options::begin))
        .routes(routes!(passkeys::sign_in::sign_in))
}
