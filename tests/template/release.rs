//! How a release reaches its environments: what is built once, what is shown first, and with which rights.

use std::{collections::BTreeSet, path::Path, process::Command};

use harness::service;
use local_stack::{Scratch, Tools};
use serde_json::{Value, json};

use crate::{assert_no_problems, environment, root, template, template::Template, template::each, text};

fn workflow(name: &str) -> Template {
    Template::read(&text(&format!(".github/workflows/{name}.yml")))
}

/// Returns the commands of a job's steps, in their order.
fn commands(job: &Value) -> Vec<&str> {
    job["steps"].as_array().into_iter().flatten().filter_map(|step| step["run"].as_str()).collect()
}

/// `deploy` builds and calls `release` for each environment.
fn promotes_one_build(deploy: &Template, release: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    let jobs = deploy.section("jobs").values().chain(release.section("jobs").values());
    let commands_of_all: Vec<&str> = jobs.flat_map(commands).collect();
    for (build, what) in [("sam build", "functions"), ("cargo xtask console", "console")] {
        let builds = commands_of_all.iter().filter(|command| command.contains(build)).count();
        if builds != 1 {
            problems.push(format!("it builds the {what} {builds} times"));
        }
    }
    let packed = |command: &&str| command.contains(" .aws-sam/build web/platform/dist\n");
    if commands_of_all.iter().filter(|command| packed(command)).count() != 1 {
        problems.push("functions and console are not packed together".to_owned());
    }
    let chain = ["check", "build", "staging", "production-changes", "production"];
    for (before, name) in chain.iter().zip(&chain[1..]) {
        let job = &deploy.0["jobs"][*name];
        let needed: BTreeSet<&str> = each(&job["needs"]).iter().filter_map(Value::as_str).collect();
        if !needed.contains(before) {
            problems.push(format!("{name} does not wait for {before}"));
        }
        let digest = "${{ needs.build.outputs.digest }}";
        if *name != "build" && !(needed.contains("build") && job["with"]["digest"] == digest) {
            problems.push(format!("{name} does not deploy the build"));
        }
    }
    let steps = commands(&release.0["jobs"]["release"]);
    let verified =
        steps.iter().position(|step| step.contains("\"$DIGEST  build.tar.gz\" | sha256sum --check"));
    let deployed = steps.iter().position(|step| step.contains("infra/release.sh"));
    if !matches!((verified, deployed), (Some(verified), Some(deployed)) if verified < deployed) {
        problems.push("the build is not verified before it is deployed".to_owned());
    }
    problems
}

/// The reviewers of `production` see its changes, made with a role that cannot apply them.
fn shows_changes_before_the_approval(deploy: &Template, account: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    let shown = &deploy.0["jobs"]["production-changes"]["with"];
    if shown["options"] != "--no-execute-changeset" || shown["environment"] != "production" {
        problems.push("production-changes makes changes".to_owned());
    }
    if shown["identity"] == deploy.0["jobs"]["production"]["with"]["identity"] {
        problems.push("production-changes waits for the reviewers".to_owned());
    }
    let policies = &account.resource("ProductionChanges", "AWS::IAM::Role")["ManagedPolicyArns"];
    let of_changes = account.resource("ShowingChanges", "AWS::IAM::ManagedPolicy");
    if *policies != json!([{ "Ref": "ShowingChanges" }]) || of_changes.is_null() {
        problems.push("the role of production-changes has other policies".to_owned());
    }
    if of_changes.to_string().contains("ExecuteChangeSet") || of_changes.to_string().contains("Delete") {
        problems.push("the role of production-changes can make changes".to_owned());
    }
    problems
}

#[track_caller]
fn assert_noticed(problems: &[String], about: &str) {
    assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
}

#[test]
fn production_gets_the_build_that_staging_tested() {
    let (deploy, release) = (workflow("deploy"), workflow("release"));
    assert_no_problems(&promotes_one_build(&deploy, &release));
    for (pointer, value, about) in [
        (
            "/jobs/production/needs",
            json!(["build", "staging"]),
            "production does not wait for production-changes",
        ),
        ("/jobs/production-changes/needs", json!(["build"]), "production-changes does not wait for staging"),
        ("/jobs/build/needs", json!("audit"), "build does not wait for check"),
        ("/jobs/production/with/digest", json!("any"), "production does not deploy the build"),
        ("/jobs/build/steps/-", json!({ "run": "sam build --debug" }), "it builds the functions 2 times"),
        ("/jobs/staging/steps", json!([{ "run": "cargo xtask console" }]), "it builds the console 2 times"),
    ] {
        assert_noticed(&promotes_one_build(&deploy.with(pointer, value), &release), about);
    }
    let unverified = Template::read(&text(".github/workflows/release.yml").replace("--check", "--tag"));
    assert_noticed(&promotes_one_build(&deploy, &unverified), "not verified");
    let built_again = release.with("/jobs/release/steps/-", json!({ "run": "sam build" }));
    assert_noticed(&promotes_one_build(&deploy, &built_again), "it builds the functions 2 times");
    let functions_alone =
        Template::read(&text(".github/workflows/deploy.yml").replace(" web/platform/dist", ""));
    assert_noticed(&promotes_one_build(&functions_alone, &release), "not packed together");
}

#[test]
fn changes_in_production_are_shown_before_they_are_approved() {
    let (deploy, account) = (workflow("deploy"), Template::read(&text("infra/stacks/account.yaml")));
    assert_no_problems(&shows_changes_before_the_approval(&deploy, &account));
    for (pointer, value, about) in [
        ("/jobs/production-changes/with/options", json!(""), "makes changes"),
        ("/jobs/production-changes/with/identity", json!("production"), "waits for the reviewers"),
    ] {
        assert_noticed(&shows_changes_before_the_approval(&deploy.with(pointer, value), &account), about);
    }
    let policies = "/Resources/ProductionChanges/Properties/ManagedPolicyArns/-";
    let deploying = account.with(policies, json!({ "Ref": "Deploying" }));
    assert_noticed(&shows_changes_before_the_approval(&deploy, &deploying), "other policies");
    let actions = "/Resources/ShowingChanges/Properties/PolicyDocument/Statement/0/Action/-";
    let executing = account.with(actions, json!("cloudformation:ExecuteChangeSet"));
    assert_noticed(&shows_changes_before_the_approval(&deploy, &executing), "can make changes");
}

/// Returns the reserved executions of all functions of an environment: those of jobs, and those of parameters.
fn reserved(template: &Template, parameters: &Value) -> (u64, u64) {
    let functions = template.functions();
    let of_jobs = functions.iter().filter_map(|f| f.get("/ReservedConcurrentExecutions").as_u64()).sum();
    let named = functions.iter().filter_map(|f| f.get("/ReservedConcurrentExecutions/Fn::If/1/Ref").as_str());
    (of_jobs, named.filter_map(|name| parameters[name].as_u64()).sum())
}

#[test]
fn documents_count_the_reserved_executions() {
    let (of_jobs, of_functions) = reserved(&template(), &environment("production")["app"]);
    let deploy = text("docs/deploy.md").replace('\n', " ");
    let sentence =
        format!("Every environment reserves {of_jobs} for its jobs, and production {of_functions} more");
    assert!(deploy.contains(&sentence), "docs/deploy.md does not say: {sentence}");
    let capacity = format!("{of_functions} for the API functions together");
    assert!(text("docs/limits.md").contains(&capacity), "docs/limits.md does not say: {capacity}");
    let (_, of_small) = reserved(&template(), &environment("small")["app"]);
    assert!(deploy.contains(&format!("`small` {of_small} ")), "docs/deploy.md does not say: {of_small}");
    assert!(
        text("docs/limits.md").contains(&format!("in `small` {of_small};")),
        "docs/limits.md: {of_small}"
    );
    let more = template().with("/Resources/Backup/Properties/ReservedConcurrentExecutions", json!(2));
    assert_eq!(reserved(&more, &json!({})), (of_jobs + 1, 0));
}

/// Compares the rights of `CloudFormation` in the templates of the account with what AWS's schemas declare.
fn missing_rights(account: Option<&Path>) -> String {
    let mut compare = Command::new(Tools::at(service("TEST_TOOLS")).program("python"));
    let compare = compare.arg("infra/trial/rights.py").args(account).current_dir(root());
    let output = compare.output().expect("python starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), printed.trim().is_empty(), "{printed}{failed}");
    printed
}

#[test]
fn cloudformation_has_the_rights_that_each_resource_type_declares() {
    assert_eq!(missing_rights(None).trim(), "");
    let account = text("infra/stacks/account.yaml");
    let scratch = Scratch::create().expect("a folder");
    let path = scratch.path().join("account.yaml");
    let at_once = [
        // A right that is gone.
        ("              - kms:EnableKeyRotation\n", "", "kms:EnableKeyRotation is not granted"),
        ("              - ec2:CreateVpcEndpoint\n", "", "ec2:CreateVpcEndpoint is not granted"),
        // An action without resources, limited to a resource.
        (
            "codedeploy:StopDeployment",
            "codedeploy:StopNothing",
            "codedeploy:StopDeployment is granted, but not where",
        ),
        // A call to a global service, which counts as one in us-east-1.
        ("[\",\", !Sub \"us-east-1,${Regions}\"]", "[\",\", !Ref Regions]", "denied in its region"),
    ];
    let mut broken = account;
    for (right, wrong, _) in at_once {
        assert!(broken.contains(right), "{right} is not in the template");
        broken = broken.replace(right, wrong);
    }
    std::fs::write(&path, broken).expect("a template");
    let printed = missing_rights(Some(&path));
    for (_, _, about) in at_once {
        assert!(printed.contains(about), "{about} is not in {printed}");
    }
}

#[test]
fn trial_refuses_what_cloudformation_refuses() {
    let mut broken = Command::new(Tools::at(service("TEST_TOOLS")).program("python"));
    let output = broken.arg("infra/trial/broken.py").current_dir(root()).output().expect("python starts");
    let (printed, failed) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.trim().is_empty(), "{printed}{failed}");
}
