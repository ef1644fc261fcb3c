//! Measures the functions as they are deployed. `cargo xtask bench` builds them, starts the services and runs this program.

mod cold;
mod crowd;
mod growth;
mod instance;
mod jobs;
mod report;
mod secrets;
mod size;
mod statements;
mod warm;
mod world;

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result};
use report::Report;
use world::World;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next = |what| arguments.next().context(what);
    let root = PathBuf::from(next("the first argument is missing: the checkout")?);
    let bare = PathBuf::from(next("the second argument is missing: the baseline program")?);
    let rounds = next("the third argument is missing: the number of rounds")?.parse()?;
    let only = arguments.next();
    let wanted = |group: &str| only.as_deref().is_none_or(|only| only == group);
    let world = World::create(root.join(".aws-sam/build"), bare, rounds).await;
    let mut report = Report::default();
    if wanted("size") {
        size::run(&world, &mut report)?;
    }
    if wanted("cold") {
        cold::run(&world, &mut report).await?;
    }
    if wanted("warm") {
        warm::run(&world, &mut report).await?;
    }
    if wanted("jobs") {
        jobs::run(&world, &mut report).await?;
    }
    if wanted("growth") {
        growth::run(&world, &mut report).await?;
    }
    if wanted("crowd") {
        crowd::run(&world, &mut report).await?;
    }
    // The last one: it leaves the pooler with three connections.
    if wanted("statements") {
        statements::run(&world, &mut report).await?;
    }
    if only.is_some() {
        return Ok(());
    }
    fs::write(root.join("bench/results.json"), serde_json::to_string_pretty(&report)? + "\n")?;
    let page = root.join("docs/performance.md");
    let text = fs::read_to_string(&page).with_context(|| format!("read {}", page.display()))?;
    let (head, _) = text.split_once(TABLES).context("docs/performance.md has no marker for the tables")?;
    fs::write(&page, format!("{head}{TABLES}\nOn {}, {rounds} rounds.\n{}", machine()?, report.tables()))?;
    Ok(())
}

fn machine() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = text.lines().filter(|line| line.starts_with("processor")).count();
    Ok(format!("{cores} cores of {}", model.map_or("an unknown processor", |(_, name)| name.trim())))
}

/// The program replaces everything after this marker in the page.
const TABLES: &str = "<!-- made by cargo xtask bench -->\n";
