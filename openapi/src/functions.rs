//! The list of API functions. `openapi.json` is generated from it, and the tests serve it.
//!
//! The router of `cargo lambda watch` in `Cargo.toml` has the paths of each function; `tests/template` compares the two lists.

use std::sync::Arc;

use answers::AnswersState;
use artifacts::ArtifactsState;
use auth::AuthState;
use axum::Router;
use chat::ChatState;
use oauth::OauthState;
use organizations::OrganizationsState;
use search::SearchState;
use shared::http;
use system::SystemState;
use users::UsersState;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// An API function.
pub struct ApiFunction {
    /// The name of its folder and program, and the tag of its operations.
    pub name: &'static str,
    /// The description of the tag.
    pub about: &'static str,
    /// Returns the description of its operations.
    pub describe: fn() -> OpenApi,
    /// Serves its routes. The state of `auth` contains the state of every other function.
    pub serve: fn(&AuthState) -> Router,
}

/// All API functions, in the order of the document.
pub const API_FUNCTIONS: &[ApiFunction] = &[
    ApiFunction {
        name: "auth",
        about: "Accounts and sessions.",
        describe: || auth::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |state| http::service(auth::routes(), state.clone()),
    },
    ApiFunction {
        name: "organizations",
        about: "Organizations, members, invitations, API keys and audit log.",
        describe: || organizations::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |AuthState { app, mailer, .. }| {
            let state = OrganizationsState { app: app.clone(), mailer: mailer.clone() };
            http::service(organizations::routes(), state)
        },
    },
    ApiFunction {
        name: "users",
        about: "For administrators of the system.",
        describe: || users::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |AuthState { app, mailer, .. }| {
            http::service(users::routes(), UsersState::with_mailer(app.clone(), mailer.clone()))
        },
    },
    ApiFunction {
        name: "system",
        about: "Health, public settings, public keys, and this document.",
        describe: || {
            let mut described = system::routes::<OpenApiRouter<_>>().into_openapi();
            described.merge(system::probes::<OpenApiRouter<_>>().into_openapi());
            described
        },
        serve: |state| {
            let state = SystemState::new(state.app.clone());
            http::service_with_probes(system::routes(), system::probes(), state)
        },
    },
    ApiFunction {
        name: "artifacts",
        about: "Artifacts.",
        describe: || artifacts::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |state| http::service(artifacts::routes(), ArtifactsState::new(state.app.clone())),
    },
    ApiFunction {
        name: "search",
        about: "Search.",
        describe: || search::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |state| http::service(search::routes(), SearchState::new(state.app.clone())),
    },
    ApiFunction {
        name: "chat",
        about: "Conversations with language models, and what they used.",
        describe: || chat::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |state| http::service(chat::routes(), ChatState::new(state.app.clone())),
    },
    ApiFunction {
        name: "answers",
        about: "Answers of language models.",
        describe: || answers::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |state| answers::service(AnswersState::new(state.app.clone())),
    },
    ApiFunction {
        name: "oauth",
        about: "The way to identity providers and back, and ceremonies with passkeys.",
        describe: || oauth::routes::<OpenApiRouter<_>>().into_openapi(),
        serve: |state| {
            let state = OauthState::with_mailer(state.app.clone(), Arc::clone(&state.mailer));
            http::service(oauth::routes(), state)
        },
    },
];
