//! Decides whether a mutant is caught, and by which test.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Result;

use super::{
    mutants::Mutant,
    recording::Test,
    runner::{Outcome, Runner},
};
use crate::progress::print;

/// Suites that were written to notice what is taken away here. Nothing in them depends on the time that something takes.
const LIKELY: [&str; 8] = [
    "artifacts::foreign",
    "bystanders::",
    "credentials::",
    "foreign_ids::",
    "forged_tokens::",
    "fresh::",
    "matrix::",
    "search::tenants::",
];
/// At first tests run that take so many milliseconds together, and then so many, and then all others.
const BATCHES: [u64; 3] = [2_000, 6_000, 20_000];

/// What was decided so far.
pub struct Verdicts<'a> {
    mutants: Vec<&'a Mutant>,
    next: AtomicUsize,
    /// The file of what was caught.
    path: PathBuf,
    caught_before: usize,
    durations: &'a HashMap<Test, u64>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    caught: usize,
    /// With the number of tests that did not notice.
    survivors: Vec<(String, usize)>,
    /// How often each test was the first to notice.
    notices: HashMap<Test, u64>,
}

impl<'a> Verdicts<'a> {
    /// Begins a run, or continues one whose catches are in the file at `path`.
    pub fn new(
        path: &Path,
        mutants: &'a [Mutant],
        durations: &'a HashMap<Test, u64>,
        remaining: bool,
    ) -> Self {
        if !remaining {
            let _not_there = fs::remove_file(path);
        }
        let known = fs::read_to_string(path).unwrap_or_default();
        let known: HashSet<_> =
            known.lines().filter_map(|line| line.split_once('\t')).map(|(name, _)| name).collect();
        let left: Vec<_> = mutants.iter().filter(|mutant| !known.contains(mutant.name.as_str())).collect();
        let caught_before = mutants.len() - left.len();
        Self {
            mutants: left,
            next: AtomicUsize::new(0),
            path: path.to_owned(),
            caught_before,
            durations,
            inner: Mutex::default(),
        }
    }

    /// Returns the next mutant to try.
    pub fn next(&self) -> Option<&'a Mutant> {
        self.mutants.get(self.next.fetch_add(1, Ordering::SeqCst)).copied()
    }

    /// Runs `tests` with `mutant` until one notices it.
    pub fn decide(&self, mutant: &Mutant, runner: &Runner<'_>, mut tests: Vec<Test>) -> Result<()> {
        let number = tests.len();
        if let Some(suite) = mutant.suite() {
            let first = tests.extract_if(.., |test| test.name.starts_with(suite)).collect();
            if let Some(test) = failing(mutant, runner, first)? {
                return self.caught(mutant, &test);
            }
        }
        self.sort(&mut tests);
        let mut sizes = BATCHES.into_iter();
        while !tests.is_empty() {
            let limit = sizes.next().unwrap_or(u64::MAX);
            let mut time = 0;
            let batch = tests.iter().take_while(|test| {
                time += self.duration(test);
                time <= limit
            });
            let rest = tests.split_off(batch.count().max(1));
            while let Some(program) = tests.first().map(|test| test.program.clone()) {
                let (batch, others): (Vec<_>, Vec<_>) =
                    tests.into_iter().partition(|test| test.program == program);
                tests = others;
                if let Some(test) = failing(mutant, runner, batch)? {
                    return self.caught(mutant, &test);
                }
            }
            tests = rest;
        }
        self.with(|inner| inner.survivors.push((mutant.name.clone(), number)));
        self.report("✗", mutant, &format!("noticed by none of {number} tests"));
        Ok(())
    }

    /// Puts the tests first that are most likely to notice, for their time.
    fn sort(&self, tests: &mut [Test]) {
        self.with(|inner| {
            tests.sort_by_key(|test| {
                let likely = is_likely(test);
                let notices = inner.notices.get(test).copied().unwrap_or_default();
                (self.duration(test) / (1 + 2 * u64::from(likely) + notices), test.clone())
            });
        });
    }

    fn duration(&self, test: &Test) -> u64 {
        self.durations.get(test).copied().unwrap_or(1_000)
    }

    fn caught(&self, mutant: &Mutant, test: &Test) -> Result<()> {
        self.with(|inner| {
            inner.caught += 1;
            *inner.notices.entry(test.clone()).or_default() += 1;
        });
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(format!("{}\t{test}\n", mutant.name).as_bytes())?;
        self.report("✓", mutant, &format!("noticed by {test}"));
        Ok(())
    }

    fn report(&self, mark: &str, mutant: &Mutant, what: &str) {
        let done = self.with(|inner| inner.caught + inner.survivors.len());
        eprintln!("  {mark} {done:>3}/{} {}\n            {what}", self.mutants.len(), mutant.name);
    }

    /// Prints the result. Fails if a mutant survived.
    pub fn summary(&self) -> Result<ExitCode> {
        self.with(|inner| {
            let caught = inner.caught + self.caught_before;
            let all = caught + inner.survivors.len();
            for (name, tests) in &inner.survivors {
                print(&format!("Survived, although {tests} tests reach it: {name}\n"))?;
            }
            print(&format!("{all} conditions and checks taken away, {caught} of them noticed by a test.\n"))?;
            Ok(if inner.survivors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_likely(test: &Test) -> bool {
    LIKELY.iter().any(|suite| test.name.starts_with(suite))
}

/// Returns a test that fails with `mutant`. Outside the likely suites it must fail twice: once could be chance. A run without an
/// end is a failure too.
fn failing(mutant: &Mutant, runner: &Runner<'_>, mut batch: Vec<Test>) -> Result<Option<Test>> {
    while !batch.is_empty() {
        let failed = match runner.run(mutant, &batch.iter().collect::<Vec<_>>())? {
            Outcome::Passed => return Ok(None),
            Outcome::TimedOut => return Ok(batch.pop()),
            Outcome::Failed(names) => names,
        };
        let (suspects, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|test| failed.contains(&test.name));
        for test in suspects {
            if is_likely(&test) || runner.run(mutant, &[&test])? != Outcome::Passed {
                return Ok(Some(test));
            }
        }
        batch = others;
    }
    Ok(None)
}
