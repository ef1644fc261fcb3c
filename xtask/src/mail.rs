//! `cargo xtask mail`

use std::{fmt::Write, fs, process::ExitCode};

use anyhow::{Context, Result};
use local_stack::{aws, queues};
use serde_json::{Value, json};

use crate::{progress::print, project::Project};

/// Show the mails that the local system has sent, the newest last
///
/// They are files in .dev/mail. `cargo xtask dev --reset` deletes them. With `bounce` or `complaint`, reports a mail to an address instead,
/// as SES does.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  cargo xtask mail --last 1\n  cargo xtask mail bounce ada@example.org"
)]
pub struct Arguments {
    /// Show only the newest N mails
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    report: Option<Report>,
}

/// A report of SES about a mail.
#[derive(Debug, clap::Subcommand)]
enum Report {
    /// Report that mails to an address bounce: the running system sends no more mails to it
    Bounce(Address),
    /// Report that the reader marked a mail as spam: the running system sends no more mails to the address
    Complaint(Address),
}

#[derive(Debug, clap::Args)]
struct Address {
    address: String,
    /// Port of the AWS stand-ins
    #[arg(long, env = "AWS_PORT", default_value_t = 9004, value_name = "PORT")]
    aws_port: u16,
}

impl Report {
    /// Sends the report to the queue of `mail-events`.
    fn send(&self) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "the event is about this moment")]
        let now = chrono::Utc::now();
        let (to, event) = match self {
            Self::Bounce(to) => {
                let recipients = json!([{ "emailAddress": to.address }]);
                let bounce =
                    json!({ "bounceType": "Permanent", "bouncedRecipients": recipients, "timestamp": now });
                (to, json!({ "eventType": "Bounce", "bounce": bounce }))
            }
            Self::Complaint(to) => {
                let recipients = json!([{ "emailAddress": to.address }]);
                let complaint = json!({ "complainedRecipients": recipients, "timestamp": now });
                (to, json!({ "eventType": "Complaint", "complaint": complaint }))
            }
        };
        queues::send(to.aws_port, "mail-events", &event.to_string())
            .context("the report was not sent; start the system with `cargo xtask dev`")?;
        eprintln!("Reported. `emailDelivery` of GET /v1/auth/me shows it in a moment.");
        Ok(())
    }
}

/// Prints the mails.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    if let Some(report) = &arguments.report {
        report.send()?;
        return Ok(ExitCode::SUCCESS);
    }
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
