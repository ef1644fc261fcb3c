//! `cargo xtask new`

mod edit;
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

/// Plans the files, and writes them if the whole plan is possible.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let mut plan = Plan::new(&project.root);
    let (next, options) = match &arguments.what {
        What::Resource(arguments) => (resource::plan(project, &mut plan, arguments)?, arguments.options),
    };
    plan.format()?;
    let summary = plan.summary();
    if options.dry_run {
        print(&format!("Nothing is written (--dry-run).\n\n{summary}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    plan.write()?;
    print(&format!("{summary}Next:\n{next}"))?;
    if options.generate {
        generate::run(project, &generate::Arguments::default())
    } else {
        Ok(ExitCode::SUCCESS)
    }
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
