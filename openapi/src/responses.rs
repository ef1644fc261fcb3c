//! Answers that many operations have are in `components` once. In every operation, they would be half of the document.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::operations;

/// The statuses of these answers, and their names in `components`.
const SHARED: [(&str, &str); 6] = [
    ("401", "Unauthenticated"),
    ("413", "BodyTooLarge"),
    ("415", "UnsupportedMediaType"),
    ("429", "TooManyRequests"),
    ("500", "Internal"),
    ("503", "Unavailable"),
];

/// Moves the most frequent answer of each shared status to `components`, and refers to it.
pub fn share(document: &mut Value) {
    for (status, name) in SHARED {
        let mut counts = BTreeMap::<String, (usize, Value)>::new();
        for operation in operations(document) {
            if let Some(response) = operation["responses"].get(status) {
                counts.entry(response.to_string()).or_insert_with(|| (0, response.clone())).0 += 1;
            }
        }
        let Some((_, shared)) = counts.into_values().max_by_key(|(count, _)| *count) else { continue };
        for operation in operations(document) {
            if operation["responses"].get(status) == Some(&shared) {
                operation["responses"][status] = json!({ "$ref": format!("#/components/responses/{name}") });
            }
        }
        document["components"]["responses"][name] = shared;
    }
}
