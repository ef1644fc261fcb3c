//! All API functions in one process. A request is routed as by `cargo lambda watch`: with the table in Cargo.toml.

use std::collections::BTreeMap;

use auth::AuthState;
use axum::Router;
use openapi::API_FUNCTIONS;

const MANIFEST: &str = include_str!("../../Cargo.toml");

/// The routers of the functions, by name.
#[derive(Clone)]
pub(crate) struct Functions(BTreeMap<&'static str, Router>);

impl Functions {
    pub fn new(state: &AuthState) -> Self {
        Self(API_FUNCTIONS.iter().map(|function| (function.name, (function.serve)(state))).collect())
    }

    /// Returns the function that serves `path`, or `system` if no function does.
    pub fn at(&self, path: &str) -> Router {
        let path = path.split('?').next().unwrap_or(path);
        let serves = |route: &str| match route.strip_suffix("/{*path}") {
            Some(folder) => {
                path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            None => path == route,
        };
        let function = routes().find(|(route, _)| serves(route)).and_then(|(_, name)| self.0.get(name));
        function.unwrap_or(&self.0["system"]).clone()
    }
}

/// Each path of the router with the name of its function.
fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let (_, table) = MANIFEST.split_once("[workspace.metadata.lambda.watch.router]\n").expect("the router");
    table.lines().take_while(|line| !line.is_empty()).map(|line| {
        let (path, function) = line.split_once(" = ").expect("a path and its function");
        (path.trim_matches('"'), function.trim_matches('"'))
    })
}
