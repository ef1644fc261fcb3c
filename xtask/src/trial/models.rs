//! `cargo xtask trial models`

use std::process::ExitCode;

use anyhow::Result;
use local_stack::{NpmPackages, ToolSet};

use crate::{project::Project, test};

/// Hold conversations with chat models that are not part of this project
///
/// They are a small real model on the server of llama.cpp, and a mock of OpenAI's API that others maintain. The first run downloads about
/// 200 MB.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

const AIMOCK: NpmPackages = NpmPackages {
    folder: "aimock",
    package: include_str!("../../../tests/trial/models/package.json"),
    lock: include_str!("../../../tests/trial/models/package-lock.json"),
};

/// Runs the trial. Fails if an answer is not understood, or its tokens are not accounted for.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    project.tools(ToolSet::Chat)?;
    project.tools(ToolSet::Tests)?.ensure_npm_packages(AIMOCK, &project.log("aimock"), &project.interrupt)?;
    test::run_each(
        project,
        &[vec![
            "--workspace",
            "--test",
            "trial",
            "models_of_others",
            "--",
            "--nocapture",
            "--test-threads=1",
        ]],
    )
}
