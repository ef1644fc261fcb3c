//! The operations of the OpenAPI document, for tests that are generated from it.

use axum::http::Method;
use serde_json::{Map, Value, json};

/// Members that are in no body here: only a caller with a second factor may send them.
const LEFT_OUT: [&str; 1] = ["secondFactorRequiredFrom"];

/// An operation of the document.
#[derive(Clone)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: String,
    pub parameters: Vec<String>,
    /// A valid body, if the operation takes one.
    pub body: Option<Value>,
    /// All members that the body may have.
    pub members: Vec<String>,
    /// The members that the body must have.
    pub required: Vec<String>,
    /// The parameters of the query, with their types.
    pub query: Vec<(String, String)>,
    /// Whether an API key may call it.
    pub for_keys: bool,
    /// Whether it needs a credential; `None` if it takes none.
    pub credential: Option<bool>,
}

impl Operation {
    /// Returns the path, with each parameter replaced by its `value`.
    pub fn path_with(&self, value: impl Fn(&str) -> String) -> String {
        self.parameters
            .iter()
            .fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), &value(name)))
    }
}

/// Returns all operations of the document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let document = openapi::document();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let required = resolved(body, &document)["required"].as_array().into_iter().flatten();
            let security = operation["security"].as_array().into_iter().flatten();
            operations.push(Operation {
                id: operation["operationId"].as_str().expect("an operationId").to_owned(),
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                query: parameters
                    .clone()
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| {
                        let kind = &parameter["schema"]["type"];
                        let kind = kind.as_str().or(kind[0].as_str()).unwrap_or_default();
                        (parameter["name"].as_str().expect("a name").to_owned(), kind.to_owned())
                    })
                    .collect(),
                parameters: parameters
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
                    .collect(),
                body: (!body.is_null()).then(|| example(body, &document)),
                members: properties(body, &document).keys().cloned().collect(),
                required: required.map(|name| name.as_str().expect("a name").to_owned()).collect(),
                for_keys: security.clone().any(|way| way.get("apiKey").is_some()),
                credential: security
                    .clone()
                    .next()
                    .is_some()
                    .then(|| security.clone().all(|way| way != &json!({}))),
            });
        }
    }
    operations
}

/// A kind of thing that an organization has.
pub struct Collection {
    /// The operation that creates one.
    pub create: Operation,
    /// The parameter that names one in a path, such as `apiKeyId`.
    pub parameter: String,
}

/// Every kind of thing that an organization has, if a `POST` creates it: a new resource is one, with no change to a test.
#[must_use]
pub fn collections() -> Vec<Collection> {
    let all = operations();
    let parameter = |collection: &str| {
        all.iter().find_map(|operation| {
            let item = operation.path.strip_prefix(collection)?.strip_prefix("/{")?;
            Some(item.strip_suffix('}')?.to_owned())
        })
    };
    let within = |operation: &&Operation| {
        let path = operation.path.strip_prefix("/v1/organizations/{organizationId}/");
        operation.method == Method::POST && path.is_some_and(|path| !path.contains('/'))
    };
    let created = all.iter().filter(within).filter_map(|create| {
        let parameter = parameter(&create.path)?;
        Some(Collection { create: create.clone(), parameter })
    });
    created.collect()
}

/// Follows the reference of `schema`, and ignores the alternative `null`.
fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    let one = schema["oneOf"].as_array().and_then(|some| some.iter().find(|one| one["type"] != "null"));
    if let Some(one) = one {
        return resolved(one, document);
    }
    match schema["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            resolved(document.pointer(pointer).expect("a reference that resolves"), document)
        }
        None => schema,
    }
}

fn properties(schema: &Value, document: &Value) -> Map<String, Value> {
    resolved(schema, document)["properties"].as_object().cloned().unwrap_or_default()
}

/// Returns a value that `schema` allows. An object has its required members, or all if none is required.
fn example(schema: &Value, document: &Value) -> Value {
    let schema = resolved(schema, document);
    let given = [&schema["example"], &schema["examples"][0], &schema["enum"][0], &schema["default"]];
    if let Some(given) = given.into_iter().find(|given| !given.is_null()) {
        return given.clone();
    }
    let kind = &schema["type"];
    match kind.as_str().or(kind[0].as_str()) {
        Some("object") => {
            let needed = schema["required"].as_array();
            properties(schema, document)
                .iter()
                .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
                .filter(|(name, _)| needed.is_none_or(|needed| needed.contains(&json!(name))))
                .map(|(name, member)| (name.clone(), example(member, document)))
                .collect::<Map<_, _>>()
                .into()
        }
        Some("array") => json!([example(&schema["items"], document)]),
        Some("boolean") => json!(true),
        Some("string") => json!("x"),
        _ => panic!("no example for {schema}"),
    }
}
