use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::Path,
};

use serde_json::{Map, Value};

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

/// The responses of `operation`, by status.
fn responses<'a>(operation: &'a Value, document: &'a Value) -> BTreeMap<&'a str, &'a Value> {
    let responses = operation["responses"].as_object().expect("responses");
    let resolved = |response: &'a Value| match response["$ref"].as_str() {
        Some(reference) => target(reference, document),
        None => response,
    };
    responses.iter().map(|(status, response)| (status.as_str(), resolved(response))).collect()
}

/// Returns the target of `reference`.
fn target<'a>(reference: &str, document: &'a Value) -> &'a Value {
    let pointer = reference.strip_prefix('#').expect("a local reference");
    document.pointer(pointer).unwrap_or_else(|| panic!("{reference} does not resolve"))
}

#[test]
fn committed_document_matches_the_routes() {
    assert!(committed() == openapi::document(), "openapi.json is out of date; run `cargo xtask generate`");
}

#[test]
fn every_operation_has_a_name_a_summary_and_its_refusals() {
    let document = committed();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = HashSet::new();
    for (route, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{route} has no operationId"));
        assert!(names.insert(name.to_owned()), "{name} occurs twice");
        let snake = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(name.bytes().all(snake), "{name} is not in snake_case");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{route} has no summary");
        let responses = responses(operation, &document);
        for status in ["429", "500", "503"] {
            assert!(responses.contains_key(status), "{route} does not document {status}");
        }
        let guarded = operation["security"].as_array().is_some_and(|security| !security.is_empty());
        assert_eq!(
            guarded,
            guarded && responses.contains_key("401"),
            "{route} needs a credential but does not document 401"
        );
    }
}

#[test]
fn every_operation_has_a_declared_tag_and_declared_security() {
    let document = committed();
    let tags: HashSet<_> =
        document["tags"].as_array().expect("tags").iter().map(|tag| &tag["name"]).collect();
    let schemes = document["components"]["securitySchemes"].as_object().expect("schemes");
    for (route, operation) in operations(&document) {
        let own = operation["tags"].as_array().unwrap_or_else(|| panic!("{route} has no tag"));
        assert!(own.len() == 1 && own.iter().all(|tag| tags.contains(tag)), "{route} has the tags {own:?}");
        let security = operation["security"].as_array().unwrap_or_else(|| panic!("{route} has no security"));
        for name in security.iter().filter_map(Value::as_object).flat_map(Map::keys) {
            assert!(schemes.contains_key(name), "{route} uses {name}, which is not declared");
        }
    }
}

#[test]
fn every_refusal_is_a_problem() {
    let document = committed();
    for (route, operation) in operations(&document) {
        let mut responses = responses(operation, &document);
        responses.retain(|status, _| status.starts_with(['4', '5']));
        for (status, response) in responses {
            // A failed probe still returns its checks.
            let is_finding = (route.as_str(), status) == ("get /ready", "503");
            let kind = if is_finding { "application/json" } else { "application/problem+json" };
            let content: Vec<_> = response["content"].as_object().into_iter().flat_map(Map::keys).collect();
            assert_eq!(content, [kind], "{route} {status}");
        }
    }
}

#[test]
fn every_body_refuses_unknown_members() {
    fn closed(schema: &Value, document: &Value) -> bool {
        match (schema["$ref"].as_str(), schema["oneOf"].as_array()) {
            (Some(reference), _) => closed(target(reference, document), document),
            (None, Some(either)) => either.iter().all(|one| closed(one, document)),
            (None, None) => schema["type"] == "null" || schema["additionalProperties"] == false,
        }
    }
    let document = committed();
    for (route, operation) in operations(&document) {
        for content in operation["requestBody"]["content"].as_object().into_iter().flat_map(Map::values) {
            assert!(closed(&content["schema"], &document), "{route} accepts any member");
        }
    }
}

#[test]
fn idempotent_operations_document_the_replay_header() {
    let document = committed();
    let mut all = operations(&document);
    all.retain(|(_, operation)| {
        operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|parameter| parameter["name"] == "Idempotency-Key")
    });
    assert!(!all.is_empty());
    for (route, operation) in all {
        let made = &operation["responses"]["201"]["headers"]["Idempotency-Replayed"];
        assert!(made.is_object(), "{route} does not document Idempotency-Replayed");
    }
}

#[test]
fn every_parameter_and_member_is_described() {
    fn explained(schema: &Value, document: &Value) -> bool {
        let says = ["description", "example", "examples", "enum", "format"];
        let parts =
            ["oneOf", "anyOf", "allOf"].iter().filter_map(|parts| schema[*parts].as_array()).flatten();
        says.iter().any(|word| schema.get(word).is_some())
            || schema["$ref"]
                .as_str()
                .is_some_and(|reference| explained(target(reference, document), document))
            || parts.into_iter().chain(schema.get("items")).any(|part| explained(part, document))
    }
    fn walk(place: &str, value: &Value, document: &Value) {
        if let Some(properties) = value["properties"].as_object().filter(|_| value.get("type").is_some()) {
            for (name, schema) in properties {
                assert!(explained(schema, document), "{place}: {name} has no description");
            }
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    walk(&format!("{place}/{name}"), member, document);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(place, item, document)),
            _ => {}
        }
    }
    let document = committed();
    walk("", &document, &document);
    for (route, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let named = explained(parameter, &document) || explained(&parameter["schema"], &document);
            assert!(named, "{route}: {} has no description", parameter["name"]);
        }
    }
}

#[test]
fn every_envelope_refers_to_its_content() {
    let document = committed();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let mut envelopes = 0;
    for (envelope, schema) in schemas {
        let data = &schema["properties"]["data"];
        let (name, held) = match envelope.split_once('_') {
            Some(("Data", name)) => (name, data),
            Some(("Page", name)) => (name, &data["items"]),
            _ => continue,
        };
        assert_eq!(held["$ref"], format!("#/components/schemas/{name}"), "{envelope}");
        envelopes += 1;
    }
    assert!(envelopes > 15, "{envelopes}");
}

#[test]
fn every_string_array_and_integer_has_bounds() {
    /// Calls `check` with every schema in `value`, and where it is.
    fn walk(place: &str, value: &Value, check: &mut impl FnMut(&str, &Value)) {
        match value {
            Value::Object(members) => {
                check(place, value);
                let without_samples = members.iter().filter(|(name, _)| !name.starts_with("example"));
                without_samples.for_each(|(name, member)| walk(&format!("{place}/{name}"), member, check));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(place, item, check)),
            _ => {}
        }
    }
    let mut counts = BTreeMap::new();
    walk("", &committed(), &mut |place, schema| {
        let kinds =
            [("string", &["maxLength"][..]), ("array", &["maxItems"]), ("integer", &["minimum", "maximum"])];
        for (kind, bounds) in kinds {
            let kind = Value::from(kind);
            let is_one =
                schema["type"] == kind || schema["type"].as_array().is_some_and(|of| of.contains(&kind));
            if is_one && schema.get("enum").is_none() {
                *counts.entry(kind.to_string()).or_insert(0) += 1;
                for bound in bounds {
                    assert!(schema[bound].is_u64(), "{place} has no {bound}");
                }
                let lengths = [&schema["minLength"], &schema["maxLength"]].map(Value::as_u64);
                assert!(lengths[0].is_none() || lengths[0] <= lengths[1], "{place} has {lengths:?}");
            }
        }
    });
    assert!(counts.len() == 3 && counts.values().all(|count| *count > 10), "{counts:?}");
}

#[test]
fn every_server_has_a_description_and_an_audience() {
    let document = committed();
    let servers = document["servers"].as_array().expect("servers");
    assert_eq!(servers[0]["url"], "https://{domain}");
    assert!(servers[0]["variables"]["domain"]["default"].is_string());
    assert!(
        servers.iter().all(|server| server["x-internal"].is_boolean() && server["description"].is_string())
    );
}

#[test]
fn every_reference_resolves() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    target(reference, document);
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

/// Adds the codes of all refusals in the source files below `from` to `codes`.
fn codes_in(from: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            codes_in(&path, codes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            let written = [
                "Refusal::bad_request(",
                "Refusal::unauthorized(",
                "Refusal::forbidden(",
                "Refusal::not_found(",
                "Refusal::conflict(",
                "Refusal::invalid(",
                "code: ",
            ];
            for before in written {
                let rests = text.split(before).skip(1);
                let literals = rests.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
                codes.extend(literals.map(|(code, _)| code.to_owned()));
            }
        }
    }
}

#[test]
fn every_refusal_code_is_in_the_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project");
    let mut codes = BTreeSet::new();
    codes_in(&root.join("shared/src"), &mut codes);
    for function in openapi::API_FUNCTIONS {
        codes_in(&root.join("functions").join(function.name).join("src"), &mut codes);
    }
    assert!(codes.len() > 40, "{codes:?}");
    let document = committed().to_string();
    // Codes of answers that belong to no operation.
    let nowhere = ["wrong-method"];
    codes.retain(|code| !nowhere.contains(&code.as_str()) && !document.contains(&format!("`{code}`")));
    assert!(codes.is_empty(), "not in openapi.json: {codes:?}");
}
