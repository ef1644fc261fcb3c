//! Runs schemathesis: it sends requests that `openapi.json` allows, and some that it does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write,
    fs,
    process::Stdio,
};

use axum::http::Method;
use harness::{Server, service};
use local_stack::{Scratch, Tools};
use serde_json::{Value, json};
use tokio::process::Command;

/// The number of generated requests per operation, in addition to one for each rule of the document.
const EXAMPLES: &str = "5";
/// Overrides that number.
const EXAMPLES_VARIABLE: &str = "CONTRACT_EXAMPLES";

/// The document in the repository. `tests/api` checks that it matches the routes.
pub const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.json");

/// One run. Its settings are added to `schemathesis.toml`.
#[derive(Default)]
pub struct Run {
    asked: Vec<Described>,
    headers: String,
    parameters: Vec<(String, String)>,
    dictionaries: String,
    operations: BTreeMap<String, Operation>,
}

/// The settings of one operation.
#[derive(Default)]
struct Operation {
    headers: String,
    parameters: String,
}

impl Run {
    /// Selects the operations that are `wanted`.
    pub fn of(wanted: impl FnMut(&Described) -> bool) -> Self {
        Self { asked: described().into_iter().filter(wanted).collect(), ..Self::default() }
    }

    /// Sends a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers += &pair(name, &json!(value));
        self
    }

    /// Sends a header with one operation, in place of the header of the others.
    pub fn with_for(mut self, operation: &str, name: &str, value: &str) -> Self {
        self.operations.entry(operation.to_owned()).or_default().headers += &pair(name, &json!(value));
        self
    }

    /// Gives a parameter, such as `path.organizationId`, one value in every operation that has no value of its own.
    pub fn always(mut self, parameter: &str, value: &str) -> Self {
        self.parameters.push((parameter.to_owned(), value.to_owned()));
        self
    }

    /// Gives a parameter of one operation one value.
    pub fn always_for(mut self, operation: &str, parameter: &str, value: &str) -> Self {
        self.operations.entry(operation.to_owned()).or_default().parameters +=
            &pair(parameter, &json!(value));
        self
    }

    /// Gives a parameter of one operation, such as `path.memberId` or `body.token`, nine times in ten one of `values`.
    pub fn often(mut self, operation: &str, parameter: &str, values: &[String]) -> Self {
        let name = format!("{operation}-{}", parameter.replace('.', "-"));
        _ = write!(self.dictionaries, "[dictionaries.{name}]\n{}", pair("values", &json!(values)));
        let parameters = &mut self.operations.entry(operation.to_owned()).or_default().parameters;
        _ = writeln!(parameters, "\"{parameter}\" = {{ dictionary = \"{name}\", probability = 0.9 }}");
        self
    }

    /// Sends the requests to `server`. Fails with the output of schemathesis. Returns the operations that succeeded at least once.
    pub async fn ask(mut self, server: &Server) -> BTreeSet<String> {
        let scratch = Scratch::create().expect("a folder");
        let config = scratch.path().join("schemathesis.toml");
        self.spread();
        fs::write(&config, self.config()).expect("a file in it");
        #[expect(clippy::disallowed_methods, reason = "a nightly run asks more")]
        let examples = env::var(EXAMPLES_VARIABLE).unwrap_or_else(|_| EXAMPLES.to_owned());

        let mut command = tool("schemathesis");
        command.current_dir(scratch.path()).arg("--config-file").arg(&config);
        command.args(["--no-color", "run", DOCUMENT, "--url", server.url(), "--max-examples", &examples]);
        for operation in &self.asked {
            command.args(["--include-operation-id", &operation.name]);
        }
        succeeds(command).await;
        self.succeeded(server)
    }

    /// Copies the values of all operations to each operation: otherwise they would replace the values of one.
    fn spread(&mut self) {
        for Described { name, path, .. } in described() {
            let operation = self.operations.entry(name).or_default();
            for (parameter, value) in &self.parameters {
                let (_, segment) = parameter.split_once('.').expect("where it is");
                if path.contains(&format!("{{{segment}}}")) && !operation.parameters.contains(parameter) {
                    operation.parameters += &pair(parameter, &json!(value));
                }
            }
        }
    }

    fn succeeded(&self, server: &Server) -> BTreeSet<String> {
        let mut answers = server.served();
        // A browser is sent on, to a provider or back.
        answers.retain(|(_, _, status)| status.is_success() || status.is_redirection());
        let asked = self.asked.iter();
        let answered =
            asked.filter(|asked| answers.iter().any(|(method, path, _)| asked.serves(method, path)));
        answered.map(|operation| operation.name.clone()).collect()
    }

    fn config(&self) -> String {
        let mut config = include_str!("schemathesis.toml").to_owned();
        _ = writeln!(
            config,
            "[headers]
{}{}",
            self.headers, self.dictionaries
        );
        for (name, Operation { headers, parameters }) in &self.operations {
            _ = writeln!(config, "[[operations]]\ninclude-operation-id = \"{name}\"");
            _ = writeln!(config, "[operations.headers]\n{headers}[operations.parameters]\n{parameters}");
        }
        config
    }
}

/// An operation of the document.
pub struct Described {
    /// `show_me`
    pub name: String,
    method: String,
    path: String,
    operation: Value,
}

impl Described {
    /// Checks whether the operation has this tag.
    pub fn is_about(&self, tag: &str) -> bool {
        self.operation["tags"][0] == tag
    }

    /// Checks whether the operation needs no credential.
    pub fn is_public(&self) -> bool {
        let security = self.operation["security"].as_array();
        security.is_some_and(|ways| ways.is_empty() || ways.contains(&json!({})))
    }

    /// Checks whether the operation accepts this kind of credential.
    pub fn takes(&self, scheme: &str) -> bool {
        self.operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|schemes| schemes.get(scheme).is_some())
    }

    /// Checks whether a request for `path` reaches this operation.
    fn serves(&self, method: &Method, path: &str) -> bool {
        let (mut described, mut asked) = (self.path.split('/'), path.split('/'));
        let alike = described
            .by_ref()
            .zip(asked.by_ref())
            .all(|(segment, part)| segment == part || segment.starts_with('{'));
        alike
            && described.next().is_none()
            && asked.next().is_none()
            && self.method == method.as_str().to_lowercase()
    }
}

/// Every operation of the document.
pub fn described() -> Vec<Described> {
    let document: Value =
        serde_json::from_str(include_str!("../../openapi.json")).expect("openapi.json is JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let name = operation["operationId"].as_str().expect("a name").to_owned();
            all.push(Described {
                name,
                method: method.clone(),
                path: path.clone(),
                operation: operation.clone(),
            });
        }
    }
    all
}

/// A line of TOML. Text and lists of text are written as in JSON.
fn pair(name: &str, value: &Value) -> String {
    format!("\"{name}\" = {value}\n")
}

/// The tools that `cargo xtask test` installs.
pub fn tools() -> Tools {
    Tools::at(service("TEST_TOOLS"))
}

/// A program of the tools.
pub fn tool(name: &str) -> Command {
    let path = tools().program(name);
    assert!(path.exists(), "{} is missing; run the tests with `cargo xtask test`", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs `command`, and returns its output. Fails with all that it wrote.
pub async fn succeeds(mut command: Command) -> String {
    let output = command.output().await.expect("a program that starts");
    let (written, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{written}\n{complaints}", output.status);
    written.into_owned()
}
