//! `cargo xtask cost`

mod bill;
mod durations;
mod environment;
mod month;
mod page;
mod prices;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, ensure};

use self::{bill::Bill, durations::Durations, environment::Environment};
use crate::{progress, project::Project};

pub use self::page::{PAGE, filled};

/// Print what an environment costs a month
///
/// The resources are those of its templates and parameters (infra/environments), the prices public ones with their dates. The assumptions,
/// and the same tables for some environments, are in docs/cost.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask cost --environment small --requests 1M")]
pub struct Arguments {
    /// A folder of infra/environments
    #[arg(long)]
    environment: String,
    /// Requests a month, such as 0, 100k or 1M
    #[arg(long, value_parser = millions)]
    requests: f64,
    /// A file with measured durations in place of the assumed ones, in the form of xtask/src/cost/durations.json
    #[arg(long)]
    measured: Option<PathBuf>,
}

/// Prints the bill.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let durations = match &arguments.measured {
        Some(file) => Durations::read(file)?,
        None => Durations::assumed()?,
    };
    let environment = Environment::read(&project.root, &arguments.environment)?;
    let bill = Bill::of(&environment, arguments.requests, &durations)?;
    progress::print(&page::printed(&bill))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a number of requests. Returns millions.
fn millions(text: &str) -> Result<f64> {
    let (digits, unit) = match text.strip_suffix(['k', 'M']) {
        Some(digits) if text.ends_with('k') => (digits, 1e-3),
        Some(digits) => (digits, 1.0),
        None => (text, 1e-6),
    };
    let number: f64 = digits.parse().context("a number of requests is digits, with k or M after them")?;
    ensure!(number.is_finite() && number >= 0.0, "a number of requests is not negative");
    Ok(number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_requests_has_a_unit_or_none() {
        for (text, wanted) in [("0", 0.0), ("250000", 0.25), ("100k", 0.1), ("1M", 1.0), ("2.5M", 2.5)] {
            let read = millions(text).expect("a number");
            assert!((read - wanted).abs() < 1e-12, "{text}: {read}");
        }
        for text in ["", "M", "many", "-1", "1G", "NaN", "inf"] {
            assert!(millions(text).is_err(), "{text}");
        }
    }
}
