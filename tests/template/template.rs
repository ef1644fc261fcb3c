//! A parsed template, which rules can query.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use serde_yaml_ng as yaml;

/// A template with its short tags written out, as in the JSON form of templates.
#[derive(Clone)]
pub struct Template(pub Value);

impl Template {
    pub fn read(text: &str) -> Self {
        Self(plain(yaml::from_str(text).expect("a YAML document")))
    }

    /// Returns a copy with `value` at `pointer`.
    pub fn with(&self, pointer: &str, value: Value) -> Self {
        let mut changed = self.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a JSON Pointer");
        match changed.0.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {parent}")) {
            Value::Array(items) => items.push(value),
            parent => parent[key] = value,
        }
        changed
    }

    /// Returns a copy without the value at `pointer`.
    pub fn without(&self, pointer: &str) -> Self {
        let mut changed = self.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a JSON Pointer");
        let parent = changed.0.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.and_then(|parent| parent.remove(key)).unwrap_or_else(|| panic!("nothing at {pointer}"));
        changed
    }

    pub fn section(&self, name: &str) -> &Map<String, Value> {
        self.0[name].as_object().unwrap_or_else(|| panic!("no {name}"))
    }

    /// Returns the properties of the resource `id`, or null if no resource of this type has it.
    pub fn resource(&self, id: &str, of_type: &str) -> &Value {
        let resource = &self.0["Resources"][id];
        if resource["Type"] == of_type { &resource["Properties"] } else { &Value::Null }
    }

    /// Returns the resources of a type, with their ids.
    pub fn of_type(&self, of_type: &str) -> Vec<(&str, &Value)> {
        let resources = self.section("Resources").iter();
        resources.filter(|(_, r)| r["Type"] == of_type).map(|(id, r)| (id.as_str(), r)).collect()
    }

    pub fn functions(&self) -> Vec<Function<'_>> {
        self.section("Resources")
            .iter()
            .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
            .map(|(id, resource)| Function { id, resource, globals: &self.0["Globals"]["Function"] })
            .collect()
    }

    pub fn function(&self, id: &str) -> Function<'_> {
        self.functions().into_iter().find(|function| function.id == id).unwrap_or_else(|| panic!("no {id}"))
    }
}

/// A function, with the values of `Globals`.
pub struct Function<'a> {
    pub id: &'a str,
    pub resource: &'a Value,
    globals: &'a Value,
}

impl Function<'_> {
    /// Returns the value at `pointer` in its properties, otherwise in `Globals`.
    pub fn get(&self, pointer: &str) -> &Value {
        let own = self.resource["Properties"].pointer(pointer);
        own.or_else(|| self.globals.pointer(pointer)).unwrap_or(&Value::Null)
    }

    pub fn environment(&self) -> BTreeMap<&str, &Value> {
        [self.globals, &self.resource["Properties"]]
            .into_iter()
            .filter_map(|side| side.pointer("/Environment/Variables")?.as_object())
            .flatten()
            .map(|(name, value)| (name.as_str(), value))
            .collect()
    }

    /// Returns the paths at which the gateway calls it.
    pub fn paths(&self) -> BTreeSet<&str> {
        let events = self.get("/Events").as_object().into_iter().flatten();
        events
            .filter(|(_, event)| event["Type"] == "Api")
            .map(|(name, event)| event["Properties"]["Path"].as_str().unwrap_or(name))
            .collect()
    }

    /// Returns the statements of its role.
    pub fn statements<'t>(&self, template: &'t Template) -> Vec<&'t Value> {
        let role = template.resource(&format!("{}Role", self.id), "AWS::IAM::Role");
        let policies = role["Policies"].as_array().into_iter().flatten();
        let statements = policies.filter_map(|policy| policy["PolicyDocument"]["Statement"].as_array());
        statements.flatten().map(with_everything).collect()
    }
}

/// Returns the items of an array, or a single value as one item. IAM allows both.
pub fn each(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// Returns what `value` is in an environment that has everything: the first choice of `Fn::If`, otherwise `value` itself.
pub fn with_everything(value: &Value) -> &Value {
    value["Fn::If"].get(1).unwrap_or(value)
}

/// Returns the parameter with the ARN of the secret to which `value` refers. The form is that of Amazon ECS:
/// the ARN alone, or the ARN with a member of the secret.
pub fn secret(value: &Value) -> Option<&str> {
    let value = with_everything(value);
    let whole = value["Ref"].as_str();
    let member = || {
        let (name, member) = value["Fn::Sub"].as_str()?.strip_prefix("${")?.split_once("}:")?;
        member.strip_suffix("::").filter(|key| key.chars().all(char::is_alphanumeric))?;
        Some(name)
    };
    whole.or_else(member).filter(|name| name.ends_with("Secret"))
}

fn plain(value: yaml::Value) -> Value {
    match value {
        yaml::Value::Sequence(items) => items.into_iter().map(plain).collect(),
        yaml::Value::Mapping(members) => members
            .into_iter()
            .map(|(key, value)| (key.as_str().expect("keys are text").to_owned(), plain(value)))
            .collect(),
        yaml::Value::Tagged(tagged) => {
            let (tag, value) = (tagged.tag.to_string(), plain(tagged.value));
            match (tag.trim_start_matches('!'), value) {
                (tag @ ("Ref" | "Condition"), value) => json!({ tag: value }),
                ("GetAtt", Value::String(path)) => {
                    let (id, attribute) = path.split_once('.').expect("a resource and its attribute");
                    json!({ "Fn::GetAtt": [id, attribute] })
                }
                (tag, value) => json!({ format!("Fn::{tag}"): value }),
            }
        }
        scalar => serde_json::to_value(scalar).expect("a scalar"),
    }
}
