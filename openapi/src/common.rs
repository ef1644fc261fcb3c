//! Adds to each operation the responses and headers that all operations of its kind have, so that no handler repeats them.

use serde_json::{Value, json};

/// A response that is not the handler's own: its status and its meaning.
type Answer = (&'static str, &'static str);

const EVERYWHERE: [Answer; 3] = [
    ("429", "`too-many-requests` or `too-many-attempts`; wait for the time in `Retry-After`"),
    ("500", "`internal`, an error of the server"),
    ("503", "`unavailable`, a dependency is unavailable"),
];
const WITH_BODY: [Answer; 4] = [
    ("400", "`malformed-body`, the body is not JSON, or is nested more than 127 levels deep"),
    ("413", "`body-too-large`, the body is larger than 64 KiB"),
    ("415", "`unsupported-media-type`, the body was not sent as JSON"),
    (
        "422",
        "`invalid-body`, the body is JSON but does not match the schema; `errors` has each member that is wrong, and why",
    ),
];
const GUARDED: [Answer; 1] = [("401", "`unauthenticated`")];
const WITHIN_AN_ORGANIZATION: [Answer; 2] =
    [("403", "`role-needed`, `scope-needed` or `second-factor-needed`"), ("404", "`organization-not-found`")];
const FOR_ADMINISTRATORS: [Answer; 1] = [("403", "`administrator-needed`")];
const WITH_AN_ID: [Answer; 1] = [("404", "`no-such-route`, the id in the path is not valid")];
const LISTED: [Answer; 1] =
    [("422", "`invalid-query`; `errors` names each parameter and the form it must have")];
const CONDITIONAL: [Answer; 2] = [
    ("400", "`malformed-if-match`"),
    ("412", "`stale`, the resource has changed since the version in `If-Match`"),
];
const PATCHED: [Answer; 1] = [("422", "`cannot-be-removed`, `null` is not allowed for a member")];
const ONCE: [Answer; 3] = [
    ("400", "`malformed-idempotency-key`"),
    ("409", "`idempotency-key-in-progress`"),
    ("422", "`idempotency-key-reused`"),
];

/// Returns the headers that responses refer to.
pub fn headers() -> Value {
    let number = json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": i32::MAX });
    json!({
        "X-Request-Id": {
            "description": "The id of this request. It is also in the server's log: include it when you ask for help.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 }
        },
        "Retry-After": {
            "description": "The number of seconds to wait.",
            "schema": { "type": "integer", "format": "int32", "minimum": 1, "maximum": i32::MAX }
        },
        "ETag": {
            "description": "The version of the resource, for `If-Match`.",
            "schema": { "type": "string", "pattern": "^\"[0-9]+\"$", "maxLength": 21, "examples": ["\"1\""] }
        },
        "Idempotency-Replayed": {
            "description": "Present if this is the stored response to an earlier request with the same key.",
            "schema": { "type": "string", "enum": ["true"] }
        },
        "Access-Control-Allow-Origin": {
            "description": "The origin of the calling page, if it may read the response.",
            "schema": { "type": "string", "format": "uri", "maxLength": 2048 }
        },
        "RateLimit-Limit": { "description": "The number of requests allowed per window; in a 429, the number that the reached limit allows.", "schema": number },
        "RateLimit-Remaining": { "description": "The number of requests left in this window; 0 in a 429.", "schema": number },
        "RateLimit-Reset": { "description": "The number of seconds until the window ends; in a 429, the same as `Retry-After`.", "schema": number }
    })
}

/// Returns whether `operation` has the parameter `name`.
pub fn takes(operation: &Value, name: &str) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == name)
}

/// Adds the common responses and headers to `operation`. `versioned`: the resource at `path` has an `ETag`.
pub fn complete(path: &str, method: &str, versioned: bool, operation: &mut Value) {
    if operation.get("security").is_none() {
        operation["security"] = json!([]);
    }
    let guarded = operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
    let administration = operation["tags"][0] == "users";
    let kinds: [(bool, &[Answer]); 10] = [
        (operation.get("requestBody").is_some(), &WITH_BODY),
        (guarded, &GUARDED),
        (path.contains("{organizationId}") && !administration, &WITHIN_AN_ORGANIZATION),
        (administration, &FOR_ADMINISTRATORS),
        (path.contains('{'), &WITH_AN_ID),
        (method == "patch", &PATCHED),
        (takes(operation, "cursor"), &LISTED),
        (takes(operation, "If-Match"), &CONDITIONAL),
        (takes(operation, "Idempotency-Key"), &ONCE),
        (true, &EVERYWHERE),
    ];
    let once = takes(operation, "Idempotency-Key");
    let responses = &mut operation["responses"];
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        if status.starts_with(['4', '5']) && response.get("content").is_none() {
            response["content"] = problem();
        }
    }
    for (status, meaning) in kinds.into_iter().filter(|(is_of, _)| *is_of).flat_map(|(_, answers)| answers) {
        add(responses, status, meaning);
    }
    let probe = path == "/health" || path == "/ready";
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        let mut named = vec!["X-Request-Id", "Access-Control-Allow-Origin"];
        if !probe {
            named.extend(["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]);
        }
        if status == "429" || status == "503" {
            named.push("Retry-After");
        }
        if versioned && status == "200" && matches!(method, "get" | "patch") {
            named.push("ETag");
        }
        if once && status == "201" {
            named.push("Idempotency-Replayed");
            named.extend(path.starts_with("/v1/organizations").then_some("ETag"));
        }
        for name in named {
            response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    }
}

/// Adds a response; if the handler has one with this status, adds the meaning to its description.
fn add(responses: &mut Value, status: &str, meaning: &str) {
    match responses.get_mut(status) {
        Some(own) if own["content"].get("application/problem+json").is_some() => {
            let own_meaning = own["description"].as_str().unwrap_or_default();
            own["description"] = json!(format!("{own_meaning}; {meaning}"));
        }
        // The handler's own, such as the response of a probe.
        Some(_) => {}
        None => {
            responses[status] = json!({ "description": meaning, "content": problem() });
        }
    }
}

/// Returns the content of every refusal and failure.
fn problem() -> Value {
    json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } })
}
