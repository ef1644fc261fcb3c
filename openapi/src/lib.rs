//! Builds the OpenAPI 3.1 document from the routes.

mod common;
mod functions;

use common::complete;
use serde_json::{Value, json};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApiBuilder};

pub use functions::{API_FUNCTIONS, ApiFunction};

/// Builds the whole document.
#[must_use]
pub fn document() -> Value {
    let info = InfoBuilder::new()
        .title("Arches API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("description.md")))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let mut document = OpenApiBuilder::new().info(info).build();
    for function in &API_FUNCTIONS {
        document.merge((function.describe)());
    }
    let mut document = json!(document);
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token, from `/v1/auth/login` or `/v1/auth/refresh`."
        },
        "apiKey": {
            "type": "apiKey", "in": "header", "name": "X-API-Key",
            "description": "A key of the organization in the path, with a scope that allows the call. `Authorization: Bearer` takes it too."
        }
    });
    document["components"]["headers"] = common::headers();
    let tags =
        API_FUNCTIONS.iter().map(|function| json!({ "name": function.name, "description": function.about }));
    document["tags"] = tags.collect();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        let versioned =
            item.as_object().is_some_and(|item| item.values().any(|o| common::takes(o, "If-Match")));
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(path, method, versioned, operation);
        }
    }
    document
}
