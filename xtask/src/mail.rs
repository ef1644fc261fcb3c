//! `cargo xtask mail`

use std::{fmt::Write, fs, process::ExitCode};

use anyhow::{Context, Result};
use local_stack::aws;
use serde_json::Value;

use crate::{progress::print, project::Project};

/// Show the mails that the local system has sent, the newest last
///
/// They are files in .dev/mail. `cargo xtask dev --reset` deletes them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask mail --last 1")]
pub struct Arguments {
    /// Show only the newest N mails
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// Prints the mails.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let mut mails = read(project)?;
    let surplus = arguments.last.map_or(0, |last| mails.len().saturating_sub(last));
    mails.drain(..surplus);
    if arguments.json {
        print(&format!("{:#}\n", Value::from(mails)))?;
    } else if mails.is_empty() {
        eprintln!("No mail was sent yet. Start the system with `cargo xtask dev` and register an account.");
    } else {
        let text: String =
            mails.iter().map(format_mail).collect::<Vec<_>>().join(&format!("{}\n", "─".repeat(72)));
        print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(project: &Project) -> Result<Vec<Value>> {
    let folder = aws::mailbox(&project.dev());
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let parse = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))
    };
    paths.iter().map(parse).collect()
}

/// Formats a mail as text. Shows the HTML body only if there is no text body.
fn format_mail(mail: &Value) -> String {
    let to: Vec<&str> = mail["to"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let body = mail["text"].as_str().or_else(|| mail["html"].as_str()).unwrap_or_default();
    let mut text = String::new();
    for (name, value) in [
        ("Date", mail["time"].as_str().unwrap_or_default()),
        ("From", mail["from"].as_str().unwrap_or_default()),
        ("To", &to.join(", ")),
        ("Subject", mail["subject"].as_str().unwrap_or_default()),
    ] {
        let _never_fails = writeln!(text, "{name}: {value}");
    }
    let _never_fails = writeln!(text, "\n{}", body.trim_end());
    text
}
