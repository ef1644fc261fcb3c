//! What `infra/deploy.sh` calls. Stand-ins for SAM and AWS are scripts that record their arguments.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use local_stack::Scratch;

use crate::root;

/// An AWS account in which `app` is deployed.
const AWS: &str = r#"case "$*" in
*list-stack-resources*) ;;
*get-caller-identity*) echo arn:aws:sts::123456789012:assumed-role/deploy/me ;;
*"--stack-name arches-staging-app"*) echo https://api.staging.archesai.com ;;
*) if [ "$EDGE" = UPDATE_COMPLETE ]; then echo "$EDGE"; else echo "$EDGE" >&2; false; fi ;;
esac"#;

struct Run {
    output: Output,
    calls: String,
}

/// Deploys with `arguments`. The query for the edge stack returns `edge`; the request to `/ready` succeeds.
fn deploy(arguments: &[&str], edge: &str) -> Run {
    deploy_to(arguments, edge, "")
}

/// Like `deploy`. If `wrong` is not empty, the request to `/ready` fails.
fn deploy_to(arguments: &[&str], edge: &str, wrong: &str) -> Run {
    run_script("deploy.sh", arguments, edge, wrong)
}

fn run_script(script: &str, arguments: &[&str], edge: &str, wrong: &str) -> Run {
    let scratch = Scratch::create().expect("a folder");
    let calls = scratch.path().join("calls");
    stand_in(scratch.path(), "sam", "");
    stand_in(scratch.path(), "curl", "[ -z \"$WRONG\" ]");
    stand_in(scratch.path(), "aws", AWS);
    fs::write(&calls, "").expect("no calls yet");
    let output = Command::new("sh")
        .arg(root().join("infra").join(script))
        .args(arguments)
        .env("PATH", format!("{}:/usr/bin:/bin", scratch.path().display()))
        .env("CALLS", &calls)
        .env("EDGE", edge)
        .env("AWS_REGION", "eu-west-1")
        .env("WRONG", wrong)
        .output()
        .expect("sh");
    Run { output, calls: fs::read_to_string(calls).expect("the calls") }
}

/// Creates a script `program` in `folder` that records its arguments in the file `$CALLS`, and then does `does`.
pub fn stand_in(folder: &Path, program: &str, does: &str) {
    let path = folder.join(program);
    let text = format!("#!/bin/sh\necho \"{program} $*\" >> \"$CALLS\"\n{does}\n");
    fs::write(&path, text).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("may be run");
}

const EXISTS: &str = "UPDATE_COMPLETE";
const DOES_NOT_EXIST: &str = "Stack with id arches-staging-edge does not exist";

#[test]
fn stack_is_deployed_with_the_parameters_and_role_of_its_environment() {
    let run = deploy(&["staging", "network"], DOES_NOT_EXIST);
    assert!(run.output.status.success());
    let sam = run.calls.lines().find(|call| call.starts_with("sam")).expect("a deployment");
    for part in [
        "--region eu-west-1",
        &format!("--config-file {}/samconfig.toml", root().display()),
        "--config-env staging",
        "--force-upload",
        "--template-file infra/stacks/network.yaml",
        "--stack-name arches-staging-network",
        "--role-arn arn:aws:iam::123456789012:role/arches-account-cloudformation-staging",
        "--s3-bucket arches-artifacts-123456789012-eu-west-1",
        "--parameter-overrides file://infra/environments/staging/network.yaml",
    ] {
        assert!(sam.contains(part), "{part} is not in {sam}");
    }
}

#[test]
fn app_deployment_succeeds_only_if_the_api_is_ready() {
    let run = deploy(&["staging", "app", "v1.2.3"], EXISTS);
    assert!(run.output.status.success());
    assert!(run.calls.contains("file://infra/environments/staging/app.yaml AppVersion=v1.2.3"));
    assert!(run.calls.contains("https://api.staging.archesai.com/ready"));
    let run = deploy_to(&["staging", "app", "v1.2.3"], EXISTS, "not ready");
    assert!(!run.output.status.success());
}

#[test]
fn old_versions_are_deleted_only_after_a_successful_deployment() {
    for (arguments, wrong, is_pruned) in [
        (&["staging", "app", "v1.2.3"][..], "", true),
        (&["staging", "app", "v1.2.3"], "not ready", false),
        (&["staging", "app", "v1.2.3", "--no-execute-changeset"], "", false),
        (&["staging", "edge"], "", false),
    ] {
        let run = deploy_to(arguments, EXISTS, wrong);
        let last = run.calls.lines().last().expect("a call");
        assert_eq!(last.contains("list-stack-resources"), is_pruned, "{arguments:?}: {}", run.calls);
    }
}

#[test]
fn changes_are_shown_without_a_look_at_the_running_version() {
    let run = deploy_to(&["staging", "app", "v1.2.3", "--no-execute-changeset"], EXISTS, "not ready");
    assert!(run.output.status.success());
    assert!(run.calls.contains("AppVersion=v1.2.3 --no-execute-changeset"));
    for call in ["curl", "delete-function"] {
        assert!(!run.calls.contains(call), "{call}");
    }
}

#[test]
fn release_deploys_all_stacks_in_the_order_of_their_dependencies() {
    let run = run_script("release.sh", &["staging", "v1.2.3", "--no-execute-changeset"], EXISTS, "");
    assert!(run.output.status.success(), "{}", String::from_utf8_lossy(&run.output.stderr));
    let deployed = run.calls.lines().filter(|call| call.starts_with("sam"));
    let deployed: Vec<_> =
        deployed.map(|call| call.split("--stack-name ").nth(1).expect("a stack")).collect();
    let stacks: Vec<_> = deployed.iter().map(|rest| rest.split(' ').next().expect("a name")).collect();
    let expected = crate::rules::ORDER.map(|stack| format!("arches-staging-{stack}"));
    assert_eq!(stacks, expected);
    assert!(deployed.iter().all(|rest| rest.ends_with("--no-execute-changeset")), "{deployed:?}");
}

#[test]
fn readiness_is_not_checked_before_the_edge_exists() {
    let run = deploy(&["staging", "app", "v1.2.3"], DOES_NOT_EXIST);
    assert!(run.output.status.success());
    assert!(!run.calls.contains("curl"));
}

#[test]
fn unreadable_edge_stack_fails_the_deployment() {
    let run = deploy(&["staging", "app", "v1.2.3"], "AccessDenied");
    assert!(!run.output.status.success());
    assert!(String::from_utf8_lossy(&run.output.stderr).contains("AccessDenied"));
}

#[test]
fn invalid_arguments_are_refused_before_any_call() {
    for arguments in
        [&[][..], &["staging"], &["staging", "app"], &["staging", "app", "--guided"], &["mars", "app", "v1"]]
    {
        let run = deploy(arguments, EXISTS);
        assert_eq!(run.output.status.code(), Some(2), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&run.output.stderr).contains("infra/deploy.sh <environment> <stack>")
        );
        assert!(run.calls.is_empty());
    }
}
