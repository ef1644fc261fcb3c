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
        let best = routes().filter_map(|(route, name)| Some((literals(route, path)?, name)));
        let function = best.max_by_key(|(literals, _)| *literals).and_then(|(_, name)| self.0.get(name));
        function.unwrap_or(&self.0["system"]).clone()
    }
}

/// Returns how many segments of `route` are literal, if it serves `path`. The route with the most serves it.
fn literals(route: &str, path: &str) -> Option<usize> {
    let (mut given, mut literals) = (path.split('/'), 0);
    for segment in route.split('/') {
        if segment.starts_with("{*") {
            return Some(literals);
        }
        let given = given.next()?;
        if segment == given {
            literals += 1;
        } else if !segment.starts_with('{') || given.is_empty() {
            return None;
        }
    }
    given.next().is_none().then_some(literals)
}

/// Each path of the router with the name of its function.
fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let (_, table) = MANIFEST.split_once("[workspace.metadata.lambda.watch.router]\n").expect("the router");
    table.lines().take_while(|line| !line.is_empty()).map(|line| {
        let (path, function) = line.split_once(" = ").expect("a path and its function");
        (path.trim_matches('"'), function.trim_matches('"'))
    })
}
