//! The real binaries, fed by a loopback Runtime API with the events that API Gateway sends.

mod erasure;
mod functions;
mod logs;
mod start;

use std::collections::HashMap;

use harness::{Database, events, function_settings, service};

/// The environment of a function on `database`, secrets by reference as in AWS.
fn environment(database: &Database) -> HashMap<String, String> {
    let passed = [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "JWT_SECRET",
        "JWT_PUBLIC_KEYS",
        "JWT_REFRESH_SECRET",
        "SESSION_SECRET",
        "ENCRYPTION_KEY",
        "ERASURE_BUCKET",
        "APP_URL",
        "MAIL_FROM",
    ];
    let mut environment: HashMap<_, _> =
        passed.into_iter().map(|name| (name.to_owned(), service(name))).collect();
    environment.extend(function_settings(database));
    // As in the template: the stage's name is no part of our routes.
    environment.insert("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH".to_owned(), "true".to_owned());
    environment
}
