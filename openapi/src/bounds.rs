//! Adds the bounds that follow from the kind of a value. All other bounds are declared at the types: `#[schema(max_length = …)]`.

use serde_json::{Map, Value, json};

use crate::operations;

/// The maximum length of a request header: the gateway's limit for the request line and all headers together (Amazon API Gateway
/// quotas for REST APIs).
const REQUEST_HEADER: u64 = 10_240;

/// Adds bounds to every value of `document` that has none.
pub fn add(document: &mut Value) {
    for operation in operations(document) {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            if parameter["in"] == "header" {
                each_schema(&mut parameter["schema"], &mut |schema| {
                    if is_free_text(schema) {
                        limit(schema, "maxLength", REQUEST_HEADER);
                    }
                });
            }
        }
    }
    let words = words(document);
    each_schema(document, &mut |schema| {
        match schema.get("format").and_then(Value::as_str) {
            // In the form of RFC 9562.
            Some("uuid") => between(schema, 36, 36),
            // In the form of RFC 3339: from whole seconds in UTC to nanoseconds with an offset.
            Some("date-time") => between(schema, 20, 35),
            Some("date") => between(schema, 10, 10),
            _ => {}
        }
        // A list of enum values has each value at most once.
        let item = schema.get("items").and_then(|items| items["$ref"].as_str());
        if let Some(count) = item.and_then(|name| words.get(name)).and_then(Value::as_u64) {
            limit(schema, "maxItems", count);
        }
    });
}

/// Returns the number of values of each enum, by the reference to it.
fn words(document: &Value) -> Map<String, Value> {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let enums = schemas.filter_map(|(name, schema)| Some((name, schema["enum"].as_array()?.len())));
    enums.map(|(name, count)| (format!("#/components/schemas/{name}"), json!(count))).collect()
}

/// Returns whether `schema` is a text without bounds that is not an enum.
fn is_free_text(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string") && !schema.contains_key("enum")
}

fn between(schema: &mut Map<String, Value>, shortest: u64, longest: u64) {
    limit(schema, "minLength", shortest);
    limit(schema, "maxLength", longest);
}

fn limit(schema: &mut Map<String, Value>, bound: &str, value: u64) {
    schema.entry(bound).or_insert_with(|| json!(value));
}

/// Calls `change` with `value` and every object in it. Examples have neither `format` nor `items`.
fn each_schema(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            change(members);
            members.values_mut().for_each(|member| each_schema(member, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_schema(item, change)),
        _ => {}
    }
}
