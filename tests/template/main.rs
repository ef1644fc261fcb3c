//! The deployment is what `infra/app` says, and what it says keeps to the rules of `infra/README.md`.

mod around;
mod broken;
mod deploy;
mod deployed;
mod documents;
mod rules;
mod template;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use openapi::API_FUNCTIONS;
use serde_json::Value;
use template::Template;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn template() -> Template {
    Template::read(&text("template.yaml"))
}

/// The names in `folder`, without their endings.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

/// The stacks: the folders of `infra` that have a `head.yaml`.
fn stacks() -> BTreeSet<String> {
    let mut stacks = names("infra");
    stacks.retain(|stack| root().join("infra").join(stack).join("head.yaml").exists());
    stacks
}

fn file_of(stack: &str) -> String {
    if stack == "app" { "template.yaml".to_owned() } else { format!("infra/stacks/{stack}.yaml") }
}

/// What an environment gives its stacks, by stack.
fn environment(name: &str) -> BTreeMap<String, Value> {
    let folder = format!("infra/environments/{name}");
    let read = |stack: String| {
        let values = Template::read(&text(&format!("{folder}/{stack}.yaml"))).0;
        (stack, values)
    };
    names(&folder).into_iter().map(read).collect()
}

fn documented_paths() -> Vec<String> {
    let document: Value = serde_json::from_str(&text("openapi.json")).expect("openapi.json");
    document["paths"].as_object().expect("paths").keys().cloned().collect()
}

/// The variables of `.env.example`, given or suggested in a comment.
fn documented_variables() -> BTreeSet<String> {
    let text = text(".env.example");
    let named = text.lines().filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='));
    named.map(|(name, _)| name.to_owned()).collect()
}

/// The table of `cargo lambda watch`, in the gateway's spelling.
fn router() -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let workspace: Value = serde_json::from_slice(&output.stdout).expect("its JSON");
    let table = workspace["metadata"]["lambda"]["watch"]["router"].as_object().expect("the router").clone();
    let spelled = |(path, function): (String, Value)| {
        (path.replace("{*path}", "{proxy+}"), function.as_str().expect("one function per path").to_owned())
    };
    table.into_iter().map(spelled).collect()
}

#[track_caller]
fn holds(problems: &[String]) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_template_is_what_its_fragments_say() {
    for stack in stacks() {
        let file = file_of(&stack);
        let script = root().join("infra/assemble.sh");
        let assembled = Command::new("sh").arg(script).arg(&stack).output().expect("sh");
        assert!(assembled.status.success(), "{}", String::from_utf8_lossy(&assembled.stderr));
        let same = assembled.stdout == text(&file).into_bytes();
        assert!(same, "{file} is out of date. Run: cargo xtask generate");
    }
}

#[test]
fn every_function_has_a_fragment_of_its_name_and_the_reverse() {
    assert_eq!(names("functions"), names("infra/app/functions"));
}

#[test]
fn every_function_is_built_from_the_folder_it_is_named_after() {
    holds(&rules::built_from_its_folder(&template(), &names("functions")));
}

#[test]
fn every_function_logs_where_it_is_told_and_not_forever() {
    holds(&rules::logs_where_it_is_told_and_not_forever(&template()));
}

#[test]
fn every_function_has_a_role_that_names_every_action_and_resource() {
    holds(&rules::has_a_role_that_names_every_action_and_resource(&template()));
}

#[test]
fn every_wildcard_is_explained_on_the_line_above() {
    for stack in stacks() {
        let text = text(&file_of(&stack));
        holds(&rules::explains_every_wildcard(&Template::read(&text), &text));
    }
}

#[test]
fn every_function_is_rolled_back_when_it_logs_errors() {
    holds(&rules::is_rolled_back_when_it_logs_errors(&template()));
}

#[test]
fn every_function_publishes_every_change() {
    holds(&rules::publishes_every_change(&template()));
}

#[test]
fn every_function_with_a_database_waits_for_its_schema() {
    holds(&rules::waits_for_the_schema(&template()));
}

#[test]
fn every_function_reads_exactly_the_secrets_it_is_given() {
    holds(&rules::reads_exactly_the_secrets_it_is_given(&template()));
}

#[test]
fn no_environment_variable_holds_a_secret() {
    holds(&rules::holds_no_secret(&template(), &text("template.yaml")));
}

#[test]
fn every_documented_path_leads_to_exactly_one_function() {
    let documented = documented_paths();
    assert!(!documented.is_empty(), "openapi.json has no paths");
    holds(&rules::reaches_every_path_in_one_way(&template(), &documented));
}

#[test]
fn paths_lead_to_the_same_functions_locally_and_in_aws() {
    holds(&rules::routes_as_developers_do(&template(), &router()));
}

#[test]
fn every_api_function_is_served_in_the_tests_and_described() {
    let mut routed: BTreeSet<String> = router().into_values().collect();
    assert!(routed.remove("docs"), "docs serves pages, which are no part of the API");
    assert_eq!(routed, API_FUNCTIONS.iter().map(|function| function.name.to_owned()).collect());
}

#[test]
fn no_function_works_on_after_the_gateway_gave_up() {
    holds(&rules::ends_before_the_gateway_gives_up(&template()));
}

#[test]
fn every_failed_job_is_left_where_it_is_found() {
    holds(&rules::leaves_a_failed_job_where_it_is_found(&template()));
}

#[test]
fn every_variable_is_named_in_env_example() {
    holds(&rules::sets_only_documented_variables(&template(), &documented_variables()));
}

#[test]
fn the_gateway_answers_for_itself_as_the_api_does() {
    holds(&rules::answers_for_itself_as_the_api_does(&template()));
}

#[test]
fn every_environment_gives_what_the_template_asks_for() {
    for name in names("infra/environments") {
        let stacks = environment(&name);
        assert!(stacks.keys().eq(BTreeSet::from(rules::ORDER)), "{name} has {:?}", stacks.keys());
        for (stack, values) in stacks {
            assert_eq!(values["Environment"], *name);
            let template = Template::read(&text(&file_of(&stack)));
            holds(&rules::is_given_what_it_asks_for(&template, &name, &values));
        }
    }
}

/// Where nothing is said, cargo-lambda builds with `panic = "abort"`, and a panic would cost an instance instead of a request.
#[test]
fn a_panic_unwinds_in_what_is_deployed() {
    let manifest = text("Cargo.toml");
    let (_, profile) = manifest.split_once("[profile.release]").expect("a release profile");
    let profile = profile.split("\n[").next().expect("its lines");
    assert!(profile.lines().any(|line| line == "panic = \"unwind\""), "{profile}");
}
