//! Builds the OpenAPI 3.1 document from the routes.

mod bounds;
mod common;
mod functions;
mod responses;

use common::complete;
use serde_json::{Map, Value, json};
use shared::error::{FieldError, Problem};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder};

pub use functions::{API_FUNCTIONS, ApiFunction};

/// Returns the whole document.
#[must_use]
pub fn document() -> Value {
    let info = InfoBuilder::new()
        .title("Arches API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("description.md")))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let problem = ComponentsBuilder::new().schema_from::<Problem>().schema_from::<FieldError>().build();
    let mut document = OpenApiBuilder::new().info(info).components(Some(problem)).build();
    for function in API_FUNCTIONS {
        document.merge((function.describe)());
    }
    let mut document = json!(document);
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token, from `/v1/auth/login` or `/v1/auth/refresh`. It is verified as RFC8725 says: one algorithm, \
                the type `at+jwt`, the issuer and the audience."
        },
        "apiKey": {
            "type": "apiKey", "in": "header", "name": "X-API-Key",
            "description": "An API key of the organization in the path, with the scope of the operation. `Authorization: Bearer` works too."
        }
    });
    document["components"]["headers"] = common::headers();
    document["servers"] = json!([
        {
            "url": "https://{domain}",
            "description": "Production.",
            "variables": {
                "domain": { "default": "api.archesai.com", "description": "The domain name of the deployment." }
            },
            "x-internal": false
        },
        { "url": "http://127.0.0.1:9000", "description": "Local: `cargo xtask dev`.", "x-internal": true }
    ]);
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
    bounds::add(&mut document);
    responses::share(&mut document);
    document
}

/// Iterates over the operations of `document`.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut)
}
