//! Measures the functions as they are deployed, and the search. `cargo xtask bench`, `cargo xtask bench cloud` and `cargo xtask bench
//! search` build what they need, start the services and run this program.

mod answers;
mod cloud;
mod cold;
mod crowd;
mod growth;
mod instance;
mod jobs;
mod passkeys;
mod report;
mod search;
mod secrets;
mod size;
mod statements;
mod warm;
mod world;

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use report::Report;
use world::World;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if_eq("cloud").is_some() {
        return cloud(arguments).await;
    }
    if arguments.next_if_eq("answers").is_some() {
        let rounds = arguments.next().context("the number of rounds is missing")?.parse()?;
        let table = answers::run(rounds).await?;
        let page = format!("\nOn {}, {rounds} rounds.\n\n{table}\n", machine()?);
        std::io::stdout().write_all(page.as_bytes())?;
        return Ok(());
    }
    if arguments.next_if_eq("search").is_some() {
        return search(arguments).await;
    }
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
    if wanted("passkeys") {
        passkeys::run(&world, &mut report).await?;
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
    let tables = format!("\nOn {}, {rounds} rounds.\n{}", machine()?, report.tables());
    replace(&root, TABLES, None, &tables)
}

/// Measures the functions behind the delays of a region.
async fn cloud(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut next = |what: &'static str| arguments.next().with_context(|| format!("no argument with {what}"));
    let root = PathBuf::from(next("the checkout")?);
    let options = cloud::Options {
        programs: next("the folder of the functions")?.into(),
        bare: next("the baseline program")?.into(),
        better_auth: next("the folder of better-auth")?.into(),
        rounds: next("the number of rounds")?.parse()?,
        postgres: Duration::from_secs_f64(next("the delay of PostgreSQL in ms")?.parse::<f64>()? / 1e3),
        redis: Duration::from_secs_f64(next("the delay of Redis in ms")?.parse::<f64>()? / 1e3),
    };
    let rounds = options.rounds;
    let (tables, figures) = cloud::run(options).await?;
    let tables = format!("\nOn {}, {rounds} rounds.\n\n{tables}\n", machine()?);
    std::io::stdout().write_all(tables.as_bytes())?;
    if arguments.next().as_deref() == Some("write") {
        fs::write(root.join("bench/cloud.json"), serde_json::to_string_pretty(&figures)? + "\n")?;
        replace(&root, CLOUD_TABLES, Some(END_OF_TABLES), &tables)?;
    }
    Ok(())
}

/// Measures the search.
async fn search(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut next = |what: &'static str| arguments.next().with_context(|| format!("no argument with {what}"));
    let root = PathBuf::from(next("the checkout")?);
    let rounds = next("the number of rounds")?.parse()?;
    let (write, global_index) =
        (next("whether to write")? == "write", next("whether to build an index")? == "global-index");
    let (tables, figures) = search::run(search::Options { root: root.clone(), rounds, global_index }).await?;
    let tables = format!("\nOn {}.\n\n{tables}\n", machine()?);
    std::io::stdout().write_all(tables.as_bytes())?;
    if write {
        fs::write(root.join("bench/search.json"), serde_json::to_string_pretty(&figures)? + "\n")?;
        replace(&root, SEARCH_TABLES, Some(END_OF_TABLES), &tables)?;
    }
    Ok(())
}

/// Replaces what stands in the page between two markers, or from the first to the end.
fn replace(root: &Path, begin: &str, end: Option<&str>, tables: &str) -> Result<()> {
    let page = root.join("docs/performance.md");
    let text = fs::read_to_string(&page).with_context(|| format!("read {}", page.display()))?;
    let missing = |marker| format!("docs/performance.md has no line {marker:?}");
    let (head, rest) = text.split_once(begin).with_context(|| missing(begin))?;
    let tail = match end {
        Some(end) => &rest[rest.find(end).with_context(|| missing(end))?..],
        None => "",
    };
    fs::write(&page, format!("{head}{begin}{tables}{tail}"))?;
    Ok(())
}

fn machine() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = text.lines().filter(|line| line.starts_with("processor")).count();
    Ok(format!("{cores} cores of {}", model.map_or("an unknown processor", |(_, name)| name.trim())))
}

/// `bench` replaces everything after this marker in the page.
const TABLES: &str = "<!-- made by cargo xtask bench -->\n";
/// `bench cloud` and `bench search` replace everything between their marker and the next end.
const CLOUD_TABLES: &str = "<!-- made by cargo xtask bench cloud -->\n";
const SEARCH_TABLES: &str = "<!-- made by cargo xtask bench search -->\n";
const END_OF_TABLES: &str = "<!-- end -->\n";
