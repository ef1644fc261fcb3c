//! `cargo xtask mail`

use std::{fmt::Write, fs, process::ExitCode};

use anyhow::{Context, Result};
use local_stack::{aws, queues};
use serde_json::{Value, json};

use crate::{progress::print, project::Project};

/// Show the mails that the local system has sent, the newest last; with `--to`, the newest first
///
/// They are files in .dev/mail. `cargo xtask dev --reset` deletes them. Links in a mail are also shown above its text. With `bounce` or `complaint`, reports a mail to an address instead,
/// as SES does.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  cargo xtask mail --last 1\n  cargo xtask mail --to ada@example.org | grep -m 1 ^Link\n  cargo xtask mail bounce ada@example.org"
)]
pub struct Arguments {
    /// Show only mails to this address, the newest first
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
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
    let mails = arguments.choose(read(project)?);
    if arguments.json {
        print(&format!("{:#}\n", Value::from(mails)))?;
    } else if let (true, Some(to)) = (mails.is_empty(), &arguments.to) {
        eprintln!("No mail was sent to {to} yet.");
    } else if mails.is_empty() {
        eprintln!("No mail was sent yet. Start the system with `cargo xtask dev` and register an account.");
    } else {
        let text: String =
            mails.iter().map(format_mail).collect::<Vec<_>>().join(&format!("{}\n", "─".repeat(72)));
        print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Returns the wanted ones of `mails`, which are in the order of their times.
    fn choose(&self, mut mails: Vec<Value>) -> Vec<Value> {
        if let Some(to) = &self.to {
            mails.retain(|mail| recipients(mail).any(|address| address.eq_ignore_ascii_case(to)));
        }
        let surplus = self.last.map_or(0, |last| mails.len().saturating_sub(last));
        mails.drain(..surplus);
        if self.to.is_some() {
            mails.reverse();
        }
        mails
    }
}

fn recipients(mail: &Value) -> impl Iterator<Item = &str> {
    mail["to"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the addresses of pages in a text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | ')');
    let words = text.split(ends);
    words.filter(|word| word.starts_with("http://") || word.starts_with("https://"))
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
    let to: Vec<&str> = recipients(mail).collect();
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
    for link in links(body) {
        let _never_fails = writeln!(text, "Link: {link}");
    }
    let _never_fails = writeln!(text, "\n{}", body.trim_end());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, text: &str) -> Value {
        json!({ "to": [to], "subject": "s", "text": text })
    }

    #[test]
    fn mails_to_an_address_are_the_newest_first() {
        let all =
            || vec![mail("ada@example.org", "1"), mail("bob@example.org", "2"), mail("Ada@example.org", "3")];
        let choose = |to: Option<&str>, last| {
            let arguments = Arguments { to: to.map(str::to_owned), last, json: false, report: None };
            let texts =
                arguments.choose(all()).into_iter().map(|mail| mail["text"].as_str().map(str::to_owned));
            texts.collect::<Option<String>>().expect("texts")
        };
        assert_eq!(choose(None, None), "123");
        assert_eq!(choose(None, Some(2)), "23");
        assert_eq!(choose(Some("ada@example.org"), None), "31");
        assert_eq!(choose(Some("ada@example.org"), Some(1)), "3");
        assert_eq!(choose(Some("eve@example.org"), None), "");
    }

    #[test]
    fn links_are_shown_above_the_text() {
        let text = format_mail(&mail(
            "ada@example.org",
            "Open\nhttp://localhost:9005/verify-email?token=a.b-c\n\nThanks",
        ));
        assert!(text.contains("\nLink: http://localhost:9005/verify-email?token=a.b-c\n\nOpen"), "{text}");
    }
}
