//! `cargo xtask new`

pub mod check;
mod edit;
mod function;
mod job;
mod lambda;
mod names;
mod resource;

use std::process::ExitCode;

use anyhow::Result;

use crate::{generate, progress::print, project::Project};
use edit::Plan;

/// Create a resource, a job or an API function, with everything that the tests ask for
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Resource(resource::Arguments),
    Job(job::Arguments),
    Function(function::Arguments),
}

impl What {
    fn options(&self) -> Options {
        match self {
            Self::Resource(arguments) => arguments.options,
            Self::Job(arguments) => arguments.options,
            Self::Function(arguments) => arguments.options,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Options {
    /// List the files, and write none
    #[arg(long)]
    dry_run: bool,
    /// Run `cargo xtask generate` afterwards
    #[arg(long, conflicts_with = "dry_run")]
    generate: bool,
}

/// Writes the files, or lists them.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let options = arguments.what.options();
    if options.dry_run {
        let (plan, _) = plan(project, arguments)?;
        print(&format!("Nothing is written (--dry-run).\n\n{}", plan.summary()))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&create(project, arguments)?)?;
    if options.generate {
        generate::run(project, &generate::Arguments::default())
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the files. Returns which they are, and what to do next.
fn create(project: &Project, arguments: &Arguments) -> Result<String> {
    let (plan, next) = plan(project, arguments)?;
    let summary = plan.summary();
    plan.write()?;
    Ok(format!("{summary}Next:\n{next}"))
}

/// Plans all files, and what to do next. Fails if a part is not possible.
fn plan<'a>(project: &'a Project, arguments: &Arguments) -> Result<(Plan<'a>, String)> {
    let mut plan = Plan::new(&project.root);
    let next = match &arguments.what {
        What::Resource(arguments) => resource::plan(project, &mut plan, arguments),
        What::Job(arguments) => job::plan(project, &mut plan, arguments),
        What::Function(arguments) => function::plan(project, &mut plan, arguments),
    }?;
    plan.format()?;
    Ok((plan, next))
}

/// Adds what a client notices to the changelog.
fn changelog(plan: &mut Plan<'_>, line: &str) -> Result<()> {
    const PATH: &str = "CHANGELOG.md";
    const UNRELEASED: &str = "## [Unreleased]\n";
    let text = plan.text(PATH)?;
    let unreleased = text.split(UNRELEASED).nth(1).unwrap_or_default();
    let unreleased = unreleased.split("\n## ").next().unwrap_or_default();
    if unreleased.contains("\n### Added\n") {
        // After the last line of the list.
        plan.within(PATH, "\n### Added\n\n", "\n\n", &format!("\n{}", line.trim_end()))
    } else {
        plan.after(PATH, UNRELEASED, &format!("\n### Added\n\n{line}"))
    }
}
