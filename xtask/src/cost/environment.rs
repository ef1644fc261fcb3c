//! Which resources an environment has: the templates, with their conditions decided by the values of `infra/environments`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_yaml_ng::Value;

use crate::project;

const STACKS: [&str; 5] = ["network", "data", "observability", "app", "edge"];

/// An environment.
pub struct Environment {
    stacks: BTreeMap<&'static str, Stack>,
}

struct Stack {
    template: Value,
    values: Value,
}

impl Environment {
    pub fn read(root: &Path, name: &str) -> Result<Self> {
        let folder = root.join("infra/environments").join(name);
        if !folder.join("network.yaml").is_file() {
            bail!("no environment is called {name}: see infra/environments");
        }
        let parsed = |path: &Path| -> Result<Value> {
            let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            serde_yaml_ng::from_str(&text).with_context(|| format!("parse {}", path.display()))
        };
        let stack = |stack: &'static str| {
            let template = parsed(&root.join(project::template(stack)))?;
            Ok((stack, Stack { template, values: parsed(&folder.join(format!("{stack}.yaml")))? }))
        };
        Ok(Self { stacks: STACKS.into_iter().map(stack).collect::<Result<_>>()? })
    }

    /// Returns the value of a parameter.
    pub fn text(&self, stack: &str, parameter: &str) -> Result<String> {
        self.stack(stack)?.text(parameter)
    }

    /// Returns the value of a parameter.
    pub fn number(&self, stack: &str, parameter: &str) -> Result<f64> {
        let text = self.text(stack, parameter)?;
        text.parse().with_context(|| format!("{parameter} of {stack} is {text}, not a number"))
    }

    /// Returns the properties of the resources of a type that this environment has, with the stack of each.
    pub fn resources(&self, kind: &str) -> Result<Vec<Resource<'_>>> {
        let mut found = Vec::new();
        for stack in self.stacks.values() {
            let resources = stack.template["Resources"].as_mapping().context("a template has Resources")?;
            for (_, resource) in resources.iter().filter(|(_, resource)| resource["Type"] == *kind) {
                let exists = match resource["Condition"].as_str() {
                    Some(condition) => stack.holds(condition)?,
                    None => true,
                };
                if exists {
                    found.push(Resource { stack, properties: &resource["Properties"] });
                }
            }
        }
        Ok(found)
    }

    /// Returns the number of resources of a type.
    pub fn count(&self, kind: &str) -> Result<f64> {
        Ok(length(&self.resources(kind)?))
    }

    /// Returns the memory of a function.
    pub fn memory_gb(&self, function: &str) -> Result<f64> {
        let template = &self.stack("app")?.template;
        let resource = &template["Resources"][function];
        if resource["Type"] != *"AWS::Serverless::Function" {
            bail!("no function is called {function}");
        }
        let own = &resource["Properties"]["MemorySize"];
        let megabytes = if own.is_null() { &template["Globals"]["Function"]["MemorySize"] } else { own };
        Ok(megabytes.as_f64().with_context(|| format!("{function} has no MemorySize"))? / 1024.0)
    }

    /// Returns how many queues invoke functions.
    pub fn queues_of_functions(&self) -> Result<f64> {
        let functions = self.resources("AWS::Serverless::Function")?;
        let events = functions.iter().filter_map(|function| function.properties["Events"].as_mapping());
        let queues = events.flatten().filter(|(_, event)| event["Type"] == *"SQS");
        Ok(length(&queues.collect::<Vec<_>>()))
    }

    fn stack(&self, name: &str) -> Result<&Stack> {
        self.stacks.get(name).with_context(|| format!("no stack is called {name}"))
    }
}

/// A resource that an environment has.
pub struct Resource<'a> {
    stack: &'a Stack,
    pub properties: &'a Value,
}

impl<'a> Resource<'a> {
    /// Returns a property, after `Fn::If`.
    pub fn get(&self, property: &str) -> Result<&'a Value> {
        self.stack.chosen(&self.properties[property])
    }
}

impl Stack {
    fn text(&self, parameter: &str) -> Result<String> {
        let value = &self.values[parameter];
        plain(value).with_context(|| format!("the environment does not set {parameter}"))
    }

    fn holds(&self, condition: &str) -> Result<bool> {
        let decided = self.test(&self.template["Conditions"][condition]);
        decided.with_context(|| format!("the condition {condition}"))
    }

    fn test(&self, test: &Value) -> Result<bool> {
        let Value::Tagged(tagged) = test else { bail!("not a condition") };
        let operands = tagged.value.as_sequence();
        let each = || operands.context("no operands").map(|all| all.iter());
        match tagged.tag.to_string().as_str() {
            "!Condition" => self.holds(tagged.value.as_str().context("no name")?),
            "!Equals" => match operands.map(Vec::as_slice) {
                Some([left, right]) => Ok(self.operand(left)? == self.operand(right)?),
                _ => bail!("not two operands"),
            },
            "!Not" => Ok(!self.test(each()?.next().context("no operand")?)?),
            "!And" => each()?.try_fold(true, |all, one| Ok(all & self.test(one)?)),
            "!Or" => each()?.try_fold(false, |any, one| Ok(any | self.test(one)?)),
            other => bail!("{other} is not known"),
        }
    }

    fn operand(&self, value: &Value) -> Result<String> {
        match value {
            Value::Tagged(tagged) if tagged.tag == "!Ref" => {
                self.text(tagged.value.as_str().context("no name")?)
            }
            value => plain(value).context("not a text and not !Ref"),
        }
    }

    fn chosen<'a>(&'a self, value: &'a Value) -> Result<&'a Value> {
        match value {
            Value::Tagged(tagged) if tagged.tag == "!If" => {
                let choice = tagged.value.as_sequence().map(Vec::as_slice);
                let Some([condition, yes, no]) = choice else { bail!("not an !If") };
                let condition = condition.as_str().context("no condition")?;
                Ok(if self.holds(condition)? { yes } else { no })
            }
            value => Ok(value),
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Returns the length as a number to calculate with.
pub fn length<T>(items: &[T]) -> f64 {
    items.iter().map(|_| 1.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack() -> Stack {
        let template = "
            Conditions:
              IsLarge: !Equals [!Ref Size, large]
              HasRoom: !And [!Condition IsLarge, !Not [!Equals [!Ref Zones, 1]]]
              IsOdd: !Or [!Condition HasRoom, !Equals [!Ref Size, odd]]
              IsStrange: !Select [0, [a]]";
        let read = |text: &str| serde_yaml_ng::from_str(text).expect("YAML");
        Stack { template: read(template), values: read("{Size: large, Zones: 2}") }
    }

    #[test]
    fn conditions_are_decided_as_cloudformation_does() {
        let mut stack = stack();
        let all =
            |stack: &Stack| ["IsLarge", "HasRoom", "IsOdd"].map(|name| stack.holds(name).expect("a test"));
        assert_eq!(all(&stack), [true, true, true]);
        stack.values["Zones"] = 1.into();
        assert_eq!(all(&stack), [true, false, false]);
        stack.values["Size"] = "odd".into();
        assert_eq!(all(&stack), [false, false, true]);
    }

    #[test]
    fn condition_that_cannot_be_decided_is_an_error() {
        let mut stack = stack();
        for name in ["IsStrange", "IsMissing"] {
            assert!(stack.holds(name).is_err(), "{name}");
        }
        stack.values["Size"] = Value::Null;
        let error = format!("{:#}", stack.holds("IsOdd").expect_err("no value"));
        assert!(error.contains("does not set Size"), "{error}");
    }

    #[test]
    fn resource_exists_if_its_condition_holds() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let [small, production] = ["small", "production"]
            .map(|name| Environment::read(root, name).unwrap_or_else(|error| panic!("{name}: {error:#}")));
        for (kind, in_small, in_production) in [
            ("AWS::EC2::NatGateway", 0.0, 2.0),
            ("AWS::RDS::DBProxy", 0.0, 1.0),
            ("AWS::RDS::DBCluster", 0.0, 1.0),
            ("AWS::RDS::DBInstance", 1.0, 2.0),
            ("AWS::WAFv2::WebACL", 0.0, 1.0),
            ("AWS::Logs::MetricFilter", 0.0, 31.0),
        ] {
            for (environment, wanted) in [(&small, in_small), (&production, in_production)] {
                let count = environment.count(kind).expect("a number");
                assert!((count - wanted).abs() < 0.1, "{kind}: {count}");
            }
        }
        assert!(Environment::read(root, "mars").is_err());
    }
}
