//! `cargo xtask doctor`

mod leftovers;
mod machine;
mod ports;

use std::process::ExitCode;

use anyhow::Result;

use crate::{progress::print, project::Project};

/// Check this machine: programs, disk, ports, the local tools, and what killed runs have left
///
/// Each line is ok, or wrong with the command that mends it. Changes nothing. The exit code is 1 if something is wrong.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// A thing that was checked.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    what: String,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Ok(String),
    Wrong { problem: String, mend: String },
}

impl Finding {
    fn ok(what: impl Into<String>, state: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Ok(state.into()) }
    }

    fn wrong(what: impl Into<String>, problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Wrong { problem: problem.into(), mend: mend.into() } }
    }

    fn line(&self) -> String {
        let what = &self.what;
        match &self.state {
            State::Ok(state) => format!("ok     {what:<18} {state}\n"),
            State::Wrong { problem, mend } => {
                format!("wrong  {what:<18} {problem}\n       {:<18} mend it: {mend}\n", "")
            }
        }
    }
}

/// Prints all findings.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    let mut all_is_well = true;
    for findings in [machine::check(project)?, ports::check(project)?, leftovers::check(project)?] {
        for finding in findings {
            all_is_well &= matches!(finding.state, State::Ok(_));
            print(&finding.line())?;
        }
    }
    Ok(if all_is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
