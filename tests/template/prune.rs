//! What `infra/prune.sh` deletes. The stand-in for `aws` applies the real `JMESPath` to answers in the form of AWS.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use harness::service;
use local_stack::{Scratch, Tools};
use serde_json::{Value, json};

use crate::{deploy::stand_in, root};

const AWS: &str = r"
import json, os, sys
import jmespath
call = sys.argv[1:]
answer = json.load(open(os.environ['ANSWERS'])).get(call[1])
if call[1] == 'delete-function':
    sys.exit(0)
if answer is None:
    sys.exit('AccessDenied')
answer = answer.get(call[call.index('--function-name') + 1], answer) if '--function-name' in call else answer
print('\t'.join(jmespath.search(call[call.index('--query') + 1], answer)))
";

fn prune(folder: &Path, answers: &Value) -> (Output, BTreeSet<String>) {
    let (calls, file, code) = (folder.join("calls"), folder.join("answers.json"), folder.join("aws.py"));
    fs::write(&file, answers.to_string()).expect("the answers");
    fs::write(&calls, "").expect("no calls yet");
    fs::write(&code, AWS).expect("the code");
    let python = Tools::at(service("TEST_TOOLS")).program("python");
    stand_in(folder, "aws", &format!("exec '{}' '{}' \"$@\"", python.display(), code.display()));
    let output = Command::new("sh")
        .arg(root().join("infra/prune.sh"))
        .arg("staging")
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("ANSWERS", &file)
        .env("CALLS", &calls)
        .output()
        .expect("sh");
    let calls = fs::read_to_string(calls).expect("the calls");
    let deleted = calls.lines().filter_map(|call| call.strip_prefix("aws lambda delete-function "));
    (output, deleted.map(str::to_owned).collect())
}

fn versions(numbers: impl IntoIterator<Item = u32>) -> Value {
    let published = numbers.into_iter().map(|number| json!({ "Version": number.to_string() }));
    let all: Vec<Value> = [json!({ "Version": "$LATEST" })].into_iter().chain(published).collect();
    json!({ "Versions": all })
}

fn deployed() -> Value {
    json!({
        "list-stack-resources": { "StackResourceSummaries": [
            { "ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "arches-staging-app-Auth-1" },
            { "ResourceType": "AWS::IAM::Role", "PhysicalResourceId": "arches-staging-app-AuthRole-1" },
            { "ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "arches-staging-smoke" },
        ] },
        "list-versions-by-function": {
            "arches-staging-app-Auth-1": versions((1..=14).rev()),
            "arches-staging-smoke": versions(1..=10),
        },
        "list-aliases": {
            "arches-staging-app-Auth-1": { "Aliases": [
                { "Name": "live", "FunctionVersion": "2", "RoutingConfig": { "AdditionalVersionWeights": { "3": 0.1 } } },
                { "Name": "kept", "FunctionVersion": "14" },
            ] },
            "arches-staging-smoke": { "Aliases": [{ "Name": "live", "FunctionVersion": "10" }] },
        },
    })
}

#[test]
fn ten_newest_versions_and_those_of_an_alias_stay() {
    let scratch = Scratch::create().expect("a folder");
    let (output, deleted) = prune(scratch.path(), &deployed());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected =
        [1, 4].map(|version| format!("--function-name arches-staging-app-Auth-1 --qualifier {version}"));
    assert_eq!(deleted, BTreeSet::from(expected));
}

#[test]
fn nothing_is_deleted_if_the_aliases_cannot_be_read() {
    let scratch = Scratch::create().expect("a folder");
    let mut answers = deployed();
    answers.as_object_mut().expect("an object").remove("list-aliases");
    let (output, deleted) = prune(scratch.path(), &answers);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("AccessDenied"));
    assert_eq!(deleted, BTreeSet::new());
}
