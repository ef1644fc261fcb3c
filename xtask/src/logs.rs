//! `cargo xtask logs`

use std::{
    io::{ErrorKind, Write},
    process::ExitCode,
    thread,
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::Value;

use crate::{
    dev_log::{Log, POLL_INTERVAL},
    project::Project,
    running,
};

/// The names of the logs: of the functions, and of the runs of `retention`.
const LOGS: [&str; 2] = ["functions", "sweeper"];
/// Fields that are at the beginning of a line, or the same in all.
const NOT_REPEATED: [&str; 9] =
    ["timestamp", "level", "function", "message", "app", "env", "version", "target", "trace.id"];

/// Show what the functions of `cargo xtask dev` have logged
///
/// The log is that of the running system, or of the last one. Metrics and spans are not shown. The functions log from `LOG_LEVEL` up:
/// `LOG_LEVEL=debug cargo xtask dev`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask logs --follow\n  cargo xtask logs --function auth --level warn\n  cargo xtask logs --request 0199c5a0-8f0e-7c4e-9a51-3f6d2b1c8e77 --json"
)]
pub struct Arguments {
    /// Show only this function
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// Show only the request with this id: `X-Request-Id` of the response, `requestId` of a problem
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Show only lines of this level and above
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Wait for more lines, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// Print the lines as they were written, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Prints the lines so far, and with `--follow` those that come.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let paths = LOGS.map(|name| project.log(name));
    let runs = running::owner(&project.dev());
    ensure!(
        runs.is_some() || (!arguments.follow && paths[0].exists()),
        "Nothing runs in this checkout. Start it with: cargo xtask dev"
    );
    ensure!(
        runs.is_none_or(|owner| owner.command == "dev"),
        "`cargo xtask services` runs without functions. They log where you started them."
    );
    let mut logs = paths.map(Log::whole);
    loop {
        let text = arguments.new_lines(&mut logs);
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // `| head` has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            written => written.context("write to standard output")?,
        }
        if !arguments.follow || project.interrupt.requested() {
            break;
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Returns the wanted lines that are new in all logs, in the order of their times.
    fn new_lines(&self, logs: &mut [Log]) -> String {
        let mut lines = Vec::new();
        for log in logs {
            // A line without a time belongs to the one before.
            let mut time = String::new();
            log.read(|text| {
                let line = serde_json::from_str::<Value>(text).unwrap_or_default();
                if let Some(own) = line["timestamp"].as_str() {
                    own.clone_into(&mut time);
                }
                if self.wants(&line) {
                    lines.push((
                        time.clone(),
                        if self.json { text.to_owned() } else { readable(text, &line) },
                    ));
                }
            });
        }
        lines.sort_by(|(one, _), (other, _)| one.cmp(other));
        lines.into_iter().map(|(_, line)| line + "\n").collect()
    }

    /// Returns whether `line` is wanted; null is a line that is not JSON.
    fn wants(&self, line: &Value) -> bool {
        if line.is_null() {
            // Of a compiler, or of a panic.
            return self.function.is_none() && self.request.is_none() && self.level.is_none() && !self.json;
        }
        let Some(level) = line["level"].as_str().and_then(|level| Level::from_str(level, true).ok()) else {
            return false;
        };
        let has =
            |wanted: &Option<String>, field| wanted.as_ref().is_none_or(|wanted| line[field] == *wanted);
        self.level.is_none_or(|least| level >= least)
            && has(&self.function, "function")
            && has(&self.request, "request.id")
    }
}

/// Returns time, level, function and message, then the other fields.
fn readable(text: &str, line: &Value) -> String {
    let Some(fields) = line.as_object() else { return text.to_owned() };
    let part = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    // 2026-01-02T03:04:05.678901234+00:00
    let time = part("timestamp").get(11..23).unwrap_or_default();
    let mut readable = format!("{time} {:<5} {:<13} {}", part("level"), part("function"), part("message"));
    for (name, value) in fields.iter().filter(|(name, _)| !NOT_REPEATED.contains(&name.as_str())) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        readable.extend([" ", name, "=", &value]);
    }
    readable
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use local_stack::Scratch;

    use super::*;

    #[derive(Parser)]
    struct Logs {
        #[command(flatten)]
        arguments: Arguments,
    }

    const FUNCTIONS: &str = concat!(
        r#"{"timestamp":"2026-01-02T03:04:05.100000000+00:00","level":"INFO","function":"auth","message":"request served","request.id":"one","status":201}"#,
        "\n   Compiling auth\n",
        r#"{"timestamp":"2026-01-02T03:04:05.300000000+00:00","level":"ERROR","function":"chat","message":"request failed","request.id":"two","error":"a: b"}"#,
        "\n",
        r#"{"_aws":{},"function":"chat","Requests":1}"#,
        "\n",
    );
    const SWEEPER: &str = concat!(
        r#"{"timestamp":"2026-01-02T03:04:05.200000000+00:00","level":"WARN","function":"retention","message":"artifact sent again"}"#,
        "\n",
    );

    fn shown(options: &[&str]) -> String {
        let folder = Scratch::create().expect("a folder");
        let mut logs = [("functions", FUNCTIONS), ("sweeper", SWEEPER)].map(|(name, text)| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a log");
            Log::whole(path)
        });
        let options = Logs::parse_from([&["logs"], options].concat()).arguments;
        let text = options.new_lines(&mut logs);
        assert!(options.new_lines(&mut logs).is_empty(), "each line once");
        text
    }

    #[test]
    fn lines_of_all_logs_are_in_the_order_of_their_times_without_metrics() {
        let expected = "\
03:04:05.100 INFO  auth          request served request.id=one status=201
   Compiling auth
03:04:05.200 WARN  retention     artifact sent again
03:04:05.300 ERROR chat          request failed error=a: b request.id=two
";
        assert_eq!(shown(&[]), expected);
    }

    #[test]
    fn lines_are_filtered_by_function_request_and_level() {
        let count = |options: &[&str]| shown(options).lines().count();
        assert_eq!(count(&["--function", "auth"]), 1);
        assert_eq!(count(&["--request", "two"]), 1);
        assert_eq!(count(&["--request", "two", "--function", "auth"]), 0);
        assert_eq!(count(&["--level", "warn"]), 2);
        assert_eq!(shown(&["--level", "error", "--json"]).trim(), FUNCTIONS.lines().nth(2).expect("a line"));
    }
}
