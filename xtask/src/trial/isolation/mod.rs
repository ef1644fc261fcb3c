//! `cargo xtask trial isolation`

mod copy;
mod exclusions;
mod messages;
mod mutants;
mod patches;
mod predicates;
mod proxy;
mod recording;
mod runner;
mod verdicts;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use anyhow::{Result, bail};
use local_stack::{Packages, Scratch, Stack, ToolSet, Tools, stack::Purpose};

use self::{
    mutants::Mutant,
    recording::Recording,
    runner::{Files, PROGRAMS, Runner},
    verdicts::Verdicts,
};
use crate::{
    progress::{Lines, print, step},
    project::{Profile, Project},
    test::temporary_settings,
};

/// Take away each condition and each check that separates users and tenants, and see whether a test fails
///
/// Builds the tests once, in a copy of the sources. A proxy in front of PostgreSQL takes a condition out of one statement; a variable
/// takes a check from the extractor of one operation. Then the tests run that send this statement, or call this operation. What no
/// test notices survives, and the trial fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask trial isolation --only members")]
pub struct Arguments {
    /// Take away only what has this text in its name
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Print what would be taken away, and end
    #[arg(long)]
    list: bool,
    /// Use what the last run recorded about the tests, although they may have changed since
    #[arg(long)]
    recorded: bool,
    /// Record only the tests whose name contains this text, and use what the last run recorded about all others
    #[arg(long, value_name = "TEXT", conflicts_with = "recorded")]
    record: Vec<String>,
    /// Skip what was caught since the last run without this option
    #[arg(long)]
    remaining: bool,
    /// The number of test programs that run at once
    #[arg(long, default_value_t = 2, value_name = "N")]
    jobs: usize,
}

/// Runs the trial. Fails if something survives.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Tests)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    let copy = copy::create(project)?;
    let programs = step("Tests of the copy built", || runner::build(&copy))?;
    project.build_functions(Profile::Dev)?;

    let scratch = Scratch::in_memory()?;
    let settings = temporary_settings(&scratch, Purpose::Test)?;
    let stack = Stack::start(&tools, &packages, settings, &project.interrupt, &Lines)?;
    let trial = Trial {
        project,
        copy: &copy,
        stack: &stack,
        tools: &tools,
        scratch: scratch.path(),
        programs: &programs,
        folder: copy.target_folder()?,
    };
    let recording = trial.recording(arguments)?;
    let mut mutants = mutants::of_operations(project, &recording)?;
    mutants.extend(mutants::of_statements(project, &recording)?);
    if !arguments.only.is_empty() {
        mutants.retain(|mutant| arguments.only.iter().any(|only| mutant.name.contains(only)));
    }
    if arguments.list {
        for mutant in &mutants {
            print(&format!("{}\n", mutant.name))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let verdicts =
        Verdicts::new(&trial.folder.join("caught.tsv"), &mutants, &recording.durations, arguments.remaining);
    trial.run(arguments.jobs.max(1), &recording, &verdicts)?;
    verdicts.summary()
}

struct Trial<'a> {
    project: &'a Project,
    copy: &'a Project,
    stack: &'a Stack,
    tools: &'a Tools,
    scratch: &'a Path,
    programs: &'a BTreeMap<String, PathBuf>,
    /// Keeps the recording and what was caught.
    folder: PathBuf,
}

impl Trial<'_> {
    fn runner(&self, name: &str) -> Result<Runner<'_>> {
        let services = (self.stack, self.tools, self.scratch);
        Runner::new(name, (self.project, self.copy), services, self.programs)
    }

    /// Runs tests without a change, or reads what the last such run recorded.
    fn recording(&self, arguments: &Arguments) -> Result<Recording> {
        let runner = self.runner("record")?;
        let path = self.folder.join("recording.json");
        runner.migrate()?;
        let mut recording = match arguments {
            Arguments { recorded: true, .. } => return Recording::read(&path),
            Arguments { record, .. } if record.is_empty() => Recording::default(),
            _ => Recording::read(&path)?,
        };
        for (program, filters) in PROGRAMS {
            let only: Vec<_> = arguments.record.iter().map(String::as_str).collect();
            let filters = if only.is_empty() { filters.to_vec() } else { only };
            let file = |kind: &str| self.scratch.join(format!("{kind}-{program}"));
            let files = Files { databases: file("databases"), reached: file("reached") };
            let failed =
                step(&format!("Tests of {program} recorded"), || runner.record(program, &filters, &files))?;
            for test in &failed {
                eprintln!("  ! {program} {test} fails although nothing was changed, and is not used");
            }
            // Nothing is written if no test of the program runs, or calls an operation.
            let databases = fs::read_to_string(&files.databases).unwrap_or_default();
            let reached = fs::read_to_string(&files.reached).unwrap_or_default();
            recording.add(program, &runner.state.sent(), &databases, &reached);
            recording.remove(program, &failed);
        }
        recording.write(&path)?;
        Ok(recording)
    }

    /// Tries all mutants, in several threads.
    fn run(&self, jobs: usize, recording: &Recording, verdicts: &Verdicts<'_>) -> Result<()> {
        let runners = (0..jobs).map(|job| self.runner(&job.to_string())).collect::<Result<Vec<_>>>()?;
        let ends: Vec<Result<()>> = thread::scope(|scope| {
            let threads: Vec<_> = runners
                .iter()
                .map(|runner| {
                    scope.spawn(move || {
                        while let Some(mutant) = verdicts.next() {
                            let tests = tests(recording, mutant);
                            verdicts.decide(mutant, runner, tests)?;
                        }
                        Ok(())
                    })
                })
                .collect();
            let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined.map(|end| end.unwrap_or_else(|_| bail!("a thread panicked"))).collect()
        });
        ends.into_iter().collect()
    }
}

/// Returns the tests that can notice `mutant`: those that send its statement, or call its operation.
fn tests(recording: &Recording, mutant: &Mutant) -> Vec<recording::Test> {
    match (&mutant.change, mutant.operation()) {
        (mutants::Change::Statement(rewrite), _) => {
            recording.statements.get(&rewrite.from).cloned().unwrap_or_default()
        }
        (mutants::Change::Check(_), operation) => recording.of_operation(operation.unwrap_or_default()),
    }
}
