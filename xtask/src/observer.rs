//! The subscription of `cargo xtask dev --observe`: runs the function `observe` with the lines that CloudWatch would send it.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use data_encoding::BASE64;
use flate2::{Compression, write::GzEncoder};
use local_stack::{environment::set_variables, receivers, service};
use serde_json::{Value, json};

use crate::{
    dev_log::Reader,
    project::{Profile, Project},
};

/// The most bytes of the lines of one event. An argument of a program has at most 128 KiB, and lines are compressed to a tenth.
const MAX_BYTES: usize = 256 << 10;
/// The pause after a receiver was unavailable.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Collects lines, and runs `observe` with them.
pub struct Observer {
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    /// The lines that are not delivered yet, each with its number.
    waiting: Vec<(u64, String)>,
    next: u64,
    retry_at: Instant,
}

impl Observer {
    /// Prepares the function for receivers at these ports. Its log is `.dev/logs/observe.log`.
    pub fn new(
        project: &Project,
        profile: Profile,
        mut environment: Vec<(&'static str, String)>,
        collector: u16,
        sentry: u16,
    ) -> Result<Self> {
        let log = project.log("observe");
        let _not_there = std::fs::remove_file(&log);
        environment.extend([
            ("TRACING_ENDPOINT", receivers::tracing_endpoint(collector)),
            ("SENTRY_DSN", receivers::sentry_dsn(sentry)),
        ]);
        Ok(Self {
            program: project.function("observe", profile)?,
            environment,
            log,
            waiting: Vec::new(),
            next: 0,
            retry_at: Instant::now(),
        })
    }

    /// Runs `observe` once with the oldest lines.
    fn deliver(&mut self) -> Result<()> {
        let mut bytes = 0;
        let count = self.waiting.iter().take_while(|(_, line)| {
            bytes += line.len();
            bytes <= MAX_BYTES
        });
        // At least one: a line that is too large must not stop the others.
        let count = count.count().max(1);
        let event = event(&self.waiting[..count])?;
        let log = service::open_log(&self.log)?;
        let mut observe = Command::new(&self.program);
        set_variables(&mut observe, &self.environment);
        let status = observe
            .arg(event.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .context("run observe")?;
        if status.success() {
            self.waiting.drain(..count);
        } else {
            self.retry_at = Instant::now() + RETRY_DELAY;
        }
        Ok(())
    }
}

impl Reader for Observer {
    fn line(&mut self, text: &str, line: &Value) {
        if is_wanted(line) {
            self.waiting.push((self.next, text.to_owned()));
            self.next += 1;
        }
    }

    fn pause(&mut self) {
        if self.waiting.is_empty() || Instant::now() < self.retry_at {
            return;
        }
        if let Err(error) = self.deliver() {
            eprintln!("{error:#}");
            self.retry_at = Instant::now() + RETRY_DELAY;
        }
    }
}

/// The filter of the subscriptions (`infra/app/functions/observe.yaml`).
fn is_wanted(line: &Value) -> bool {
    let report = line["type"] == "platform.report" && line["record"]["status"] != "success";
    line["otlp"] == true || line["level"] == "ERROR" || report
}

/// Returns an event of CloudWatch Logs (Amazon CloudWatch Logs User Guide, "Subscription filters with AWS Lambda").
fn event(lines: &[(u64, String)]) -> Result<Value> {
    #[expect(clippy::disallowed_methods, reason = "the time of the event; nothing depends on it")]
    let time = chrono::Utc::now().timestamp_millis();
    // The same whenever a line is delivered.
    let run = std::process::id();
    let events = lines
        .iter()
        .map(|(number, line)| json!({ "id": format!("{run}-{number}"), "timestamp": time, "message": line }));
    let data = json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "local", "logStream": "local/functions[1][local]",
        "subscriptionFilters": ["local"], "logEvents": events.collect::<Vec<_>>(),
    });
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(data.to_string().as_bytes())?;
    Ok(json!({ "awslogs": { "data": BASE64.encode(&gzip.finish()?) } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_spans_errors_and_failed_invocations_are_wanted() {
        for (line, wanted) in [
            (json!({ "otlp": true }), true),
            (json!({ "level": "ERROR" }), true),
            (json!({ "type": "platform.report", "record": { "status": "timeout" } }), true),
            (json!({ "type": "platform.report", "record": { "status": "success" } }), false),
            (json!({ "level": "INFO" }), false),
            (json!({ "_aws": {} }), false),
        ] {
            assert_eq!(is_wanted(&line), wanted, "{line}");
        }
    }
}
