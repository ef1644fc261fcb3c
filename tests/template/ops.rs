//! The operator's tool, `infra/ops`. Its tests are in `tests/ops`, in Python: the stand-in for AWS is moto, in the same process.

use std::{collections::BTreeSet, env, process::Command, thread};

use harness::service;
use local_stack::Tools;

use crate::{names, root, text};

#[test]
fn operators_tool_passes_its_own_tests() {
    let files: Vec<String> =
        names("tests/ops").into_iter().filter(|name| name.starts_with("test_")).collect();
    assert!(files.len() > 3, "{files:?}");
    let python = Tools::at(service("TEST_TOOLS")).program("python");
    let run = |file: &str| {
        let mut tests = Command::new(&python);
        tests.args(["-B", "-m", "unittest", file]).current_dir(root().join("tests/ops"));
        // Those of this run name the stand-in for AWS of other tests.
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            tests.env_remove(name);
        }
        let output = tests.output().expect("python");
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let failed: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = files.iter().map(|file| scope.spawn(|| run(file))).collect();
        runs.into_iter().filter_map(|run| run.join().expect("a run")).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Returns the names that a list in Python contains.
fn listed(list: &str) -> BTreeSet<&str> {
    list.split('"').skip(1).step_by(2).collect()
}

#[test]
fn every_command_of_the_operators_tool_is_documented() {
    let code = text("infra/ops/commands/__init__.py");
    let commands = listed(code.split_once("COMMANDS = [").expect("the commands").1);
    assert!(commands.contains("rollback"), "{commands:?}");
    let page = text("docs/operations/ops.md");
    let sections: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    assert_eq!(sections, commands);
    let modules: BTreeSet<String> =
        names("infra/ops/commands").iter().map(|module| module.replace('_', "-")).collect();
    assert!(commands.iter().all(|command| modules.contains(*command)), "{modules:?}");
}
