use std::collections::HashSet;

use serde_json::Value;

fn committed() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).expect("openapi.json is JSON")
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .expect("an item")
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    methods.collect()
}

#[test]
fn the_committed_document_is_what_the_routes_say() {
    assert!(committed() == openapi::document(), "openapi.json is stale; run `cargo xtask generate`");
}

#[test]
fn every_operation_has_a_name_a_summary_and_its_refusals() {
    let document = committed();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = HashSet::new();
    for (route, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{route} has no operationId"));
        assert!(names.insert(name.to_owned()), "{name} twice");
        assert!(operation["summary"].is_string(), "{route} has no summary");
        let responses = operation["responses"].as_object().expect("responses");
        for status in ["429", "500", "503"] {
            assert!(responses.contains_key(status), "{route} does not mention {status}");
        }
        let guarded = operation["security"].as_array().is_some_and(|security| !security.is_empty());
        assert_eq!(
            guarded,
            guarded && responses.contains_key("401"),
            "{route} is guarded but mentions no 401"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                members.values().for_each(|member| walk(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, document)),
            _ => {}
        }
    }
    let document = committed();
    walk(&document, &document);
}
