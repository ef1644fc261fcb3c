//! How long the functions run.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::environment::Environment;

/// What is assumed, with the source of each number.
const ASSUMED: &str = include_str!("durations.json");

/// A kind of invocation.
struct Kind {
    /// The resource of the function, which has its memory.
    function: String,
    per_million_requests: f64,
    milliseconds: f64,
}

/// The invocations that a million requests cause.
pub struct Durations(Vec<Kind>);

impl Durations {
    pub fn assumed() -> Result<Self> {
        Self::parse(ASSUMED).context("xtask/src/cost/durations.json")
    }

    pub fn read(file: &Path) -> Result<Self> {
        let read = || Self::parse(&fs::read_to_string(file)?);
        read().with_context(|| format!("{}", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let document: Value = serde_json::from_str(text)?;
        let kinds = document.as_array().context("not an array")?;
        let kind = |kind: &Value| {
            let number = |name: &str| {
                let number = kind[name].as_f64().filter(|number| *number >= 0.0);
                number.with_context(|| format!("{name} is not a number from 0 up in {kind}"))
            };
            let function = kind["function"].as_str().with_context(|| format!("no function in {kind}"))?;
            ensure!(kind["source"].is_string(), "no source in {kind}");
            Ok(Kind {
                function: function.to_owned(),
                per_million_requests: number("perMillionRequests")?,
                milliseconds: number("milliseconds")?,
            })
        };
        Ok(Self(kinds.iter().map(kind).collect::<Result<_>>()?))
    }

    /// Returns the GB-seconds of a million requests.
    pub fn gigabyte_seconds(&self, environment: &Environment) -> Result<f64> {
        let of = |kind: &Kind| {
            let memory = environment.memory_gb(&kind.function)?;
            Ok(kind.per_million_requests * kind.milliseconds / 1e3 * memory)
        };
        self.0.iter().map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_without_a_number_or_a_source_are_refused() {
        for (text, about) in [
            ("{}", "not an array"),
            (r#"[{"function": "Auth", "source": "s", "milliseconds": 1}]"#, "perMillionRequests"),
            (
                r#"[{"function": "Auth", "source": "s", "perMillionRequests": 1, "milliseconds": -1}]"#,
                "milliseconds",
            ),
            (r#"[{"function": "Auth", "perMillionRequests": 1, "milliseconds": 1}]"#, "no source"),
            (r#"[{"source": "s", "perMillionRequests": 1, "milliseconds": 1}]"#, "no function"),
        ] {
            let error = Durations::parse(text).err().expect("a refusal").to_string();
            assert!(error.contains(about), "{error}");
        }
        assert_eq!(Durations::assumed().expect("the assumed ones").0.len(), 4);
    }
}
