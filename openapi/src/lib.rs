//! The API's OpenAPI 3.1 document, from the routes themselves.

use serde_json::{Value, json};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApiBuilder};

/// Answers that any route may give, whoever asks: status, description, whether it says when to come back.
const EVERYWHERE: [(&str, &str, bool); 3] = [
    (
        "429",
        "Too many requests, or too many attempts at a secret: `too-many-requests`, `too-many-attempts`.",
        true,
    ),
    ("500", "Our mistake: `internal`.", false),
    ("503", "A dependency is away: `unavailable`.", true),
];
/// Answers that any route with a body may give.
const WITH_BODY: [(&str, &str, bool); 4] = [
    ("400", "The body is not JSON: `malformed-body`; or a header cannot be read.", false),
    ("413", "The body is larger than 1 MiB: `body-too-large`.", false),
    ("415", "The body was not sent as JSON: `unsupported-media-type`.", false),
    ("422", "The body is JSON, but not what is expected here; `errors` says where.", false),
];

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let info = InfoBuilder::new()
        .title("Arches API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("description.md")))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let mut document = OpenApiBuilder::new().info(info).build();
    for part in
        [auth::routes().into_openapi(), system::routes().into_openapi(), system::probes().into_openapi()]
    {
        document.merge(part);
    }
    let mut document = json!(document);
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token, from `/v1/auth/login` or `/v1/auth/refresh`."
        }
    });
    document["components"]["headers"] = json!({
        "X-Request-Id": {
            "description": "The id of this request, in our log too; quote it when asking for help.",
            "schema": { "type": "string" }
        },
        "Retry-After": {
            "description": "How many seconds to wait.", "schema": { "type": "integer", "minimum": 1 }
        }
    });
    document["tags"] = json!([
        { "name": "auth", "description": "Accounts and the sessions in which they are used." },
        { "name": "system", "description": "The service itself." }
    ]);
    for operation in operations(&mut document) {
        complete(operation);
    }
    document
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.filter_map(|(_, item)| item.as_object_mut()).flatten().map(|(_, operation)| operation)
}

/// Adds what every operation of its kind has in common.
fn complete(operation: &mut Value) {
    let body = operation.get("requestBody").is_some().then_some(WITH_BODY);
    if operation.get("security").is_none() {
        operation["security"] = json!([]);
    }
    for (status, description, wait) in EVERYWHERE.into_iter().chain(body.into_iter().flatten()) {
        let responses = &mut operation["responses"];
        if responses.get(status).is_some() {
            continue;
        }
        let mut response = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
        });
        if wait {
            response["headers"]["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
        }
        responses[status] = response;
    }
    for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        response["headers"]["X-Request-Id"] = json!({ "$ref": "#/components/headers/X-Request-Id" });
    }
}
