//! The templates match their fragments, and follow the rules of `infra/README.md`.

mod account_rules;
mod artifacts;
mod backups;
mod broken;
mod console;
mod copies;
mod deploy;
mod deployed;
mod documents;
mod edge_rules;
mod observe;
mod ops;
mod prune;
mod queues;
mod release;
mod replica;
mod rules;
mod stack_rules;
mod template;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use openapi::API_FUNCTIONS;
use serde_json::Value;
use shared::domain::database_name::DatabaseName;
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

/// Returns the names in `folder`, without extensions.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

/// Returns the stacks: the folders of `infra` that have a `head.yaml`.
fn stacks() -> BTreeSet<String> {
    let mut stacks = names("infra");
    stacks.retain(|stack| root().join("infra").join(stack).join("head.yaml").exists());
    stacks
}

fn file_of(stack: &str) -> String {
    if stack == "app" { "template.yaml".to_owned() } else { format!("infra/stacks/{stack}.yaml") }
}

/// Returns the parameters of an environment, by stack.
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

/// Returns the variables of `.env.example`, also those in comments.
fn documented_variables() -> BTreeSet<String> {
    let text = text(".env.example");
    let named = text.lines().filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='));
    named.map(|(name, _)| name.to_owned()).collect()
}

/// Returns the routes of `cargo lambda watch`, in the notation of the gateway.
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
    let mut routes: BTreeMap<_, _> = table.into_iter().map(spelled).collect();
    // Every other path. In AWS, the gateway answers.
    for path in ["/", "/{proxy+}"] {
        assert_eq!(routes.remove(path).as_deref(), Some("system"), "{path} must not list functions");
    }
    routes
}

#[track_caller]
fn assert_no_problems(problems: &[String]) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_template_matches_its_fragments() {
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
fn every_function_has_a_fragment_and_every_fragment_a_function() {
    assert_eq!(names("functions"), names("infra/app/functions"));
}

#[test]
fn every_function_is_built_from_its_own_folder() {
    assert_no_problems(&rules::built_from_its_folder(&template(), &names("functions")));
}

#[test]
fn every_function_has_its_own_log_group_with_retention() {
    assert_no_problems(&rules::has_its_own_log_group(&template()));
}

#[test]
fn every_function_has_a_role_that_names_every_action_and_resource() {
    assert_no_problems(&rules::has_a_role_that_names_every_action_and_resource(&template()));
}

#[test]
fn every_wildcard_is_explained_on_the_line_above() {
    for stack in stacks() {
        let text = text(&file_of(&stack));
        assert_no_problems(&rules::explains_every_wildcard(&Template::read(&text), &text));
    }
}

#[test]
fn every_function_is_rolled_back_when_it_logs_errors() {
    assert_no_problems(&rules::is_rolled_back_when_it_logs_errors(&template()));
}

#[test]
fn slow_requests_of_every_function_notify() {
    assert_no_problems(&rules::notifies_about_slow_requests(&template()));
}

#[test]
fn every_function_publishes_every_change() {
    assert_no_problems(&rules::publishes_every_change(&template()));
}

#[test]
fn every_function_with_a_database_waits_for_its_schema() {
    assert_no_problems(&rules::waits_for_the_schema(&template()));
}

#[test]
fn every_function_reads_exactly_the_secrets_it_is_given() {
    assert_no_problems(&rules::reads_exactly_the_secrets_it_is_given(&template()));
}

#[test]
fn no_environment_variable_holds_a_secret() {
    assert_no_problems(&rules::holds_no_secret(&template(), &text("template.yaml")));
}

#[test]
fn every_documented_path_leads_to_exactly_one_function() {
    let documented = documented_paths();
    assert!(!documented.is_empty(), "openapi.json has no paths");
    assert_no_problems(&rules::serves_every_path_once(&template(), &documented));
}

#[test]
fn every_place_in_a_path_has_one_variable() {
    assert_no_problems(&rules::has_one_variable_per_place(&template()));
}

#[test]
fn paths_lead_to_the_same_functions_locally_and_in_aws() {
    assert_no_problems(&rules::routes_as_locally(&template(), &router()));
}

#[test]
fn every_api_function_is_served_in_the_tests_and_described() {
    let mut routed: BTreeSet<String> = router().into_values().collect();
    assert!(routed.remove("docs"), "docs serves pages, which are no part of the API");
    assert_eq!(routed, API_FUNCTIONS.iter().map(|function| function.name.to_owned()).collect());
}

#[test]
fn every_function_times_out_before_the_gateway() {
    assert_no_problems(&rules::times_out_before_the_gateway(&template()));
}

#[test]
fn every_job_has_a_failure_destination() {
    assert_no_problems(&rules::has_a_failure_destination(&template()));
}

#[test]
fn every_variable_is_named_in_env_example() {
    assert_no_problems(&rules::sets_only_documented_variables(&template(), &documented_variables()));
}

#[test]
fn gateway_errors_have_the_form_of_api_problems() {
    assert_no_problems(&rules::has_problems_as_gateway_errors(&template()));
}

#[test]
fn every_environment_sets_the_parameters_of_its_templates() {
    for name in names("infra/environments") {
        let stacks = environment(&name);
        let expected: BTreeSet<_> = rules::ORDER.into_iter().chain(["replica"]).collect();
        assert!(stacks.keys().eq(expected), "{name} has {:?}", stacks.keys());
        for (stack, values) in stacks {
            assert_eq!(values["Environment"], *name);
            let template = Template::read(&text(&file_of(&stack)));
            assert_no_problems(&rules::sets_all_parameters(&template, &name, &values));
        }
    }
}

#[test]
fn every_name_that_restore_accepts_can_be_deployed() {
    let parameter = &template().0["Parameters"]["DatabaseName"];
    assert_eq!(parameter["AllowedPattern"], *DatabaseName::pattern());
    DatabaseName::parse(parameter["Default"].as_str().expect("a name")).expect("the default can be restored");
}

/// The default of cargo-lambda is `panic = "abort"`. Then a panic would end the instance instead of the request.
#[test]
fn deployed_code_unwinds_on_panic() {
    let manifest = text("Cargo.toml");
    let (_, profile) = manifest.split_once("[profile.release]").expect("a release profile");
    let profile = profile.split("\n[").next().expect("its lines");
    assert!(profile.lines().any(|line| line == "panic = \"unwind\""), "{profile}");
}

/// `test = false` in their manifests: what they had would never run.
#[test]
fn programs_that_are_not_compiled_as_tests_have_none() {
    let functions = names("functions").into_iter().map(|name| format!("functions/{name}/src"));
    let others = ["bench/src", "bench/bare/src", "openapi/src", "settings/src"].map(str::to_owned);
    let mut looked_at = 0;
    for folder in functions.chain(others) {
        let is_library = root().join(&folder).join("lib.rs").exists();
        for file in names(&folder).into_iter().filter(|file| file == "main" || !is_library) {
            let Ok(code) = fs::read_to_string(root().join(format!("{folder}/{file}.rs"))) else { continue };
            assert!(!code.contains("#[test]") && !code.contains("#[cfg(test)]"), "{folder}/{file}.rs");
            looked_at += 1;
        }
    }
    assert!(looked_at > 25, "{looked_at}");
}
