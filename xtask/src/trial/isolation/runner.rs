//! Runs tests of the copy, on services that are shared by all runs.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use local_stack::{Interrupt, Interrupted, Stack, Tools, command, environment::set_variables};
use serde_json::Value;

use super::{
    mutants::{Change, Mutant},
    proxy::{self, State},
    recording::Test,
};
use crate::project::{self, Profile, Project};

/// The programs of `tests/` that run, each with the tests of a recording; all if none is named.
pub const PROGRAMS: [(&str, &[&str]); 3] = [
    ("api", &[]),
    ("jobs", &["retention::", "artifacts::", "import::"]),
    ("schema", &["appoints_the_first_administrator"]),
];
/// The database from which those of the tests are copied.
const TEMPLATE: &str = "template_trial";
/// So many tests may fail without a change. They are not used.
const MAX_FAILURES: usize = 3;
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Runs tests, one program at a time.
pub struct Runner<'a> {
    pub state: Arc<State>,
    copy: &'a Project,
    scratch: &'a Path,
    name: String,
    programs: &'a BTreeMap<String, PathBuf>,
    environment: Vec<(String, String)>,
}

/// The end of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// These tests failed.
    Failed(Vec<String>),
    /// The run took too long.
    TimedOut,
}

impl<'a> Runner<'a> {
    /// Starts the proxies of a runner.
    pub fn new(
        name: &str,
        (project, copy): (&Project, &'a Project),
        (stack, tools, scratch): (&Stack, &Tools, &'a Path),
        programs: &'a BTreeMap<String, PathBuf>,
    ) -> Result<Self> {
        let state = Arc::new(State::default());
        let mut environment: Vec<(String, String)> = Vec::new();
        for (name, value) in stack.test_environment()? {
            let value = match name {
                "TEST_POSTGRES_URL" => proxy::start(&value, false, &state)?,
                "TEST_POOLER_URL" | "TEST_POOLER_RETENTION_URL" => proxy::start(&value, true, &state)?,
                _ => value,
            };
            environment.push((name.to_owned(), value));
        }
        environment.push(("TEST_TOOLS".to_owned(), tools.path().display().to_string()));
        environment.push(("TEST_TARGET_DIR".to_owned(), project.target(Profile::Dev)?.display().to_string()));
        Ok(Self { state, copy, scratch, name: name.to_owned(), programs, environment })
    }

    /// Runs the tests of `program` that contain one of `filters`, and records in `files` what they reach. Returns the tests that fail.
    pub fn record(&self, program: &str, filters: &[&str], files: &Files) -> Result<Vec<String>> {
        let mut run = self.command(program)?;
        run.args(filters);
        run.env("TRIAL_TEMPLATE", TEMPLATE);
        run.env("TRIAL_RECORD", &files.reached).env("TRIAL_DATABASES", &files.databases);
        self.state.record(true);
        let outcome = self.wait(&mut run, Duration::from_mins(20))?;
        self.state.record(false);
        match outcome {
            Outcome::Passed => Ok(Vec::new()),
            Outcome::Failed(tests) if tests.len() > MAX_FAILURES => {
                bail!("tests fail although nothing was changed: {}", tests.join(", "))
            }
            Outcome::Failed(tests) => Ok(tests),
            Outcome::TimedOut => bail!("the tests of {program} took too long"),
        }
    }

    /// Migrates the database from which those of the tests are copied.
    pub fn migrate(&self) -> Result<()> {
        let mut run = self.command("api")?;
        run.arg("system::");
        match self.wait(&mut run, Duration::from_mins(2))? {
            Outcome::Passed => Ok(()),
            outcome => bail!("the tests of `system` fail although nothing was changed: {outcome:?}"),
        }
    }

    /// Runs `tests` of one program with `mutant`.
    pub fn run(&self, mutant: &Mutant, tests: &[&Test]) -> Result<Outcome> {
        let Some(first) = tests.first() else { return Ok(Outcome::Passed) };
        let mut run = self.command(&first.program)?;
        run.arg("--exact").args(tests.iter().map(|test| &test.name));
        run.env("TRIAL_TEMPLATE", TEMPLATE).env("TRIAL_STOPS", "1");
        match &mutant.change {
            Change::Statement(rewrite) => self.state.rewrite(Some(rewrite.clone())),
            Change::Check(taken) => drop(run.env("TRIAL_TAKEN", taken)),
        }
        let limit = Duration::from_secs(120 + 6 * tests.len() as u64);
        let outcome = self.wait(&mut run, limit);
        let invalid = self.state.invalid();
        self.state.rewrite(None);
        if let Some(error) = invalid {
            bail!("PostgreSQL cannot parse the changed statement of {}: {error}", mutant.name);
        }
        outcome
    }

    fn command(&self, program: &str) -> Result<Command> {
        let path = self.programs.get(program).with_context(|| format!("there is no program {program}"))?;
        let mut command = self.copy.command(path);
        set_variables(&mut command, &Vec::new());
        command.current_dir(self.copy.root.join("tests")).env("RUST_BACKTRACE", "0");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Waits for the end of a test program, at most for `limit`.
    fn wait(&self, run: &mut Command, limit: Duration) -> Result<Outcome> {
        let log = self.scratch.join(format!("trial-{}.log", self.name));
        let out = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        run.stderr(out.try_clone().context("share the log file")?).stdout(out);
        let (all, own) = (&self.copy.interrupt, Interrupt::default());
        let begin = Instant::now();
        let ended = thread::scope(|scope| {
            let name = format!("tests-{}", self.name);
            let (scratch, interrupt) = (self.scratch, own.clone());
            let tests = scope.spawn(move || command::run_recorded(&name, scratch, run, &interrupt));
            while !tests.is_finished() {
                if all.requested() || begin.elapsed() > limit {
                    own.request();
                }
                thread::sleep(POLL_INTERVAL);
            }
            tests.join()
        });
        all.check()?;
        let status = match ended.map_err(|_| anyhow::anyhow!("a thread panicked"))? {
            Err(error) if error.is::<Interrupted>() => return Ok(Outcome::TimedOut),
            ended => ended?,
        };
        if status.success() {
            return Ok(Outcome::Passed);
        }
        let text = fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))?;
        let failed = failed(&text);
        if failed.is_empty() {
            bail!(
                "the tests ended with {status}:\n{}",
                text.lines().rev().take(20).collect::<Vec<_>>().join("\n")
            );
        }
        Ok(Outcome::Failed(failed))
    }
}

/// The files of a recording.
pub struct Files {
    pub databases: PathBuf,
    pub reached: PathBuf,
}

/// Builds the test programs of the copy. Returns their paths.
pub fn build(copy: &Project) -> Result<BTreeMap<String, PathBuf>> {
    let mut build = copy.cargo(&["test", "--no-run", "--locked", "--workspace", "--message-format", "json"]);
    build.args(PROGRAMS.iter().flat_map(|(program, _)| ["--test", program]));
    let output = project::output(&mut build)?;
    let mut programs = BTreeMap::new();
    for line in String::from_utf8_lossy(&output).lines() {
        let message: Value = serde_json::from_str(line).context("read the output of cargo")?;
        if let (Some(path), Some(name)) = (message["executable"].as_str(), message["target"]["name"].as_str())
        {
            programs.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok(programs)
}

/// Returns the tests that failed, but for those that did not begin because another one had failed.
fn failed(log: &str) -> Vec<String> {
    let mut failed = Vec::new();
    for section in log.split("\n---- ").skip(1) {
        let Some((name, text)) = section.split_once(" stdout ----") else { continue };
        if !text.contains("another test has failed") {
            failed.push(name.to_owned());
        }
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_did_not_begin_has_not_failed() {
        let log = "test a ... FAILED\ntest b ... FAILED\n\nfailures:\n\n---- a stdout ----\nthread 'a' panicked\n\n\
                   ---- b stdout ----\nthread 'b' panicked at x:1:\nanother test has failed\n\n\nfailures:\n    a\n    b\n";
        assert_eq!(failed(log), ["a"]);
    }
}
