//! `cargo xtask console`

use std::{path::Path, process::ExitCode, time::Instant};

use anyhow::{Context, Result};
use local_stack::{Report, Service, ToolSet, Tools, console::Sources};

use crate::{
    progress::{Lines, step},
    project::{Project, output},
};

/// Build the console, from where infra/console.sh uploads it: web/platform/dist
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Builds the console as it is released.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Node)?;
    let console = installed(project, &tools, &project.root)?;
    step("Console built", || project.quietly("console-build", &mut console.script("build")?))?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the console for the services in `dir`.
pub fn build(project: &Project, tools: &Tools, dir: &Path) -> Result<()> {
    let console = installed(project, tools, &project.root)?;
    let files = local_stack::console::files(dir);
    step("Console built", || project.quietly("console-build", &mut console.build_into(&files)?))
}

/// Starts a build for the services of `cargo xtask dev` that follows changes.
pub fn watch(project: &Project, tools: &Tools) -> Result<Service> {
    Sources::of(tools, &project.root).watch(&project.dev())
}

/// Returns the types of the project's API document. A copy of a checkout uses the packages of that checkout.
pub fn types(project: &Project, tools: &Tools) -> Result<Vec<u8>> {
    let console = installed(project, tools, &project.home)?;
    output(&mut console.types(&project.root.join("openapi.json"))?)
}

/// Checks the console: types and style, tests, and the sizes of what is built.
pub fn check(project: &Project, tools: &Tools) -> Result<()> {
    let console = installed(project, tools, &project.root)?;
    for script in ["check", "test", "build", "size"] {
        project
            .quietly(&format!("ci-console-{script}"), &mut console.script(script)?)
            .with_context(|| format!("`npm run {script}` in web/platform"))?;
    }
    Ok(())
}

/// Returns the sources in a checkout. Installs their packages if those of the lock file are not there.
fn installed<'a>(project: &Project, tools: &'a Tools, root: &Path) -> Result<Sources<'a>> {
    let console = Sources::of(tools, root);
    if !console.are_installed() {
        let begin = Instant::now();
        Lines.begins("Installing the packages of the console (once)");
        console.install(&project.log("console-packages"), &project.interrupt)?;
        Lines.done("Packages of the console installed", begin.elapsed());
    }
    Ok(console)
}
