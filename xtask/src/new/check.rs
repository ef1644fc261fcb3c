//! The check of `new`: it makes one of each in a copy of the checkout, and runs their tests there.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use super::{Arguments, create};
use crate::{
    ci, generate, libraries,
    progress::step,
    project::{self, Profile, Project},
    test,
};

/// The things that are created in the copy.
const MADE: [[&str; 3]; 3] =
    [["new", "resource", "note"], ["new", "job", "tidy"], ["new", "function", "notices"]];
/// The tests of the API and of the jobs that are about what is made, or about everything that there is.
const TESTS: [&str; 11] = [
    "organizations::notes::",
    "notices::",
    "tidy::",
    "matrix::",
    "openapi::",
    "personal_data::",
    "mass_assignment::",
    "round_trips::",
    "invalidation::",
    "nothing_is_found_anywhere",
    "permission",
];

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

/// Makes a copy with one of each, and checks it as `cargo xtask ci` checks a checkout.
pub fn run(project: &Project) -> Result<()> {
    let copy = copy(project)?;
    for line in MADE {
        let command = Command::try_parse_from(line)?;
        create(&copy, &command.arguments)?;
    }
    generate::run(&copy, &generate::Arguments::default())?;
    step("Formatting of what was made", || ci::formatting(&copy))?;
    step("Migration of what was made", || ci::migrations(&copy))?;
    step("Templates of what was made", || ci::templates(&copy))?;
    step("Clippy of what was made", || ci::clippy(&copy))?;

    copy.build_functions(Profile::Dev)?;
    // The operator's tool has no part of it.
    let all =
        ["--workspace", "--test", "schema", "--test", "template", "--", "--skip", "operators_tool_passes"];
    let some = ["--workspace", "--test", "api", "--test", "jobs", "--"];
    let code = test::run_each(&copy, &[all.to_vec(), [&some[..], &TESTS].concat()])?;
    ensure!(
        code == ExitCode::SUCCESS,
        "the tests of what `cargo xtask new` makes failed, in {}",
        copy.root.display()
    );
    Ok(())
}

/// Copies all files that git tracks or would track, into the target folder. The copy shares the tools.
///
/// It has its own build folder: cargo takes two checkouts with one build folder for the same one, and does not see which sources
/// an artifact was built from.
fn copy(project: &Project) -> Result<Project> {
    let target = project.target_folder()?;
    let root = target.join("new");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("remove {}", root.display()))?;
    }
    let mut list = project.command("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let files = String::from_utf8(project::output(&mut list)?).context("read the output of git")?;
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let from = project.root.join(file);
        // A file that was removed, but not from the index.
        if from.is_file() {
            copy_file(&from, &root.join(file))?;
        }
    }
    let build = target.join("new-build");
    libraries::link(project, &build)?;
    Ok(Project {
        root,
        interrupt: project.interrupt.clone(),
        home: project.home.clone(),
        target: Some(build),
    })
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    fs::copy(from, to).map(drop).with_context(|| format!("copy {}", from.display()))
}
