//! What is reported to Sentry: an error that a function has logged, or an invocation that Lambda has ended.

use std::{borrow::Cow, collections::BTreeMap};

use aws_lambda_events::cloudwatch_logs::{LogData, LogEntry};
use chrono::DateTime;
use ring::digest::{SHA256, digest};
use sentry_types::protocol::v7::{Event, Exception, Level, TraceContext, TraceId};
use serde_json::Value;
use shared::telemetry::Trace;
use uuid::Uuid;

/// The fields of a line that become tags. Not `user.id` and not `ip`.
const TAGS: [&str; 8] =
    ["request.id", "message.id", "method", "route", "status", "code", "dependency", "table"];

/// Where a line comes from.
#[derive(Debug)]
pub struct Origin {
    /// The name of the function.
    function: String,
    /// The same whenever the line is delivered, so that Sentry stores it once.
    id: Uuid,
    /// In milliseconds.
    at: i64,
}

#[derive(Debug)]
pub struct Problem {
    origin: Origin,
    level: Level,
    /// What belongs together: the module and the text, which is fixed.
    pub fingerprint: [String; 2],
    message: String,
    /// The causes.
    error: Option<String>,
    trace: Option<TraceId>,
    release: Option<String>,
    environment: Option<String>,
    tags: BTreeMap<String, String>,
}

impl Origin {
    pub fn new(data: &LogData, entry: &LogEntry) -> Self {
        let hash =
            digest(&SHA256, format!("{}\n{}\n{}", data.log_group, data.log_stream, entry.id).as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_ref()[..16]);
        Self {
            function: function(data),
            id: uuid::Builder::from_random_bytes(id).into_uuid(),
            at: entry.timestamp,
        }
    }
}

/// Returns the function's name: with a log group of its own, a stream is `<date>/<function>[<version>][<instance>]`.
fn function(data: &LogData) -> String {
    let stream = data.log_stream.rsplit('/').next().unwrap_or_default();
    match stream.split_once('[') {
        Some((name, _)) if !name.is_empty() => name.to_owned(),
        _ => data.log_group.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

impl Problem {
    /// Reads a line of a function. Fields that are not known here are not sent.
    pub fn of_line(origin: Origin, line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let message = text("message").unwrap_or_else(|| "error without a message".to_owned());
        let tags = TAGS.into_iter().filter_map(|name| Some((name.to_owned(), as_text(&line[name])?)));
        Self {
            fingerprint: [text("target").unwrap_or_default(), message.clone()],
            error: text("error"),
            trace: text("trace.id").and_then(|id| id.parse().ok()),
            release: text("version"),
            environment: text("env"),
            tags: tags.collect(),
            level: Level::Error,
            message,
            origin,
        }
    }

    /// Reads Lambda's report of an invocation (AWS Lambda Developer Guide, "Telemetry API `Event` schema reference"). `None` if the
    /// function itself has ended it with an error, which it has logged.
    pub fn of_report(origin: Origin, record: &Value) -> Option<Self> {
        let (status, kind) = (record["status"].as_str()?, record["errorType"].as_str());
        if status == "success" || (status == "error" && kind.is_none()) {
            return None;
        }
        let message = match status {
            "timeout" => "invocation timed out",
            _ => "invocation failed",
        };
        let header = record["tracing"]["value"].as_str().and_then(Trace::parse);
        let request = record["requestId"].as_str().map(|id| ("faas.invocation_id".to_owned(), id.to_owned()));
        Some(Self {
            fingerprint: [origin.function.clone(), format!("{message}: {}", kind.unwrap_or(status))],
            error: kind.map(str::to_owned),
            trace: header.map(|trace| TraceId::from(trace.id.to_be_bytes())),
            release: None,
            environment: None,
            tags: request.into_iter().collect(),
            level: Level::Fatal,
            message: message.to_owned(),
            origin,
        })
    }

    /// Returns the event of Sentry. It has no user, no request and no address.
    pub fn event(self) -> Event<'static> {
        let Self { origin, level, fingerprint, message, error, trace, release, environment, mut tags } = self;
        tags.insert("function".to_owned(), origin.function.clone());
        let at = DateTime::from_timestamp_millis(origin.at).unwrap_or_default();
        let mut event = Event {
            event_id: origin.id,
            level,
            logger: Some(fingerprint[0].clone()),
            fingerprint: Cow::Owned(fingerprint.into_iter().map(Cow::Owned).collect()),
            exception: vec![Exception { ty: message, value: error, ..Exception::default() }].into(),
            platform: Cow::Borrowed("other"),
            timestamp: at.into(),
            server_name: Some(origin.function.into()),
            release: release.map(|version| format!("arches@{version}").into()),
            environment: environment.map(Cow::Owned),
            ..Event::default()
        };
        event.tags.extend(tags);
        if let Some(trace_id) = trace {
            let context = TraceContext { trace_id, ..TraceContext::default() };
            event.contexts.insert("trace".to_owned(), context.into());
        }
        event
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn origin(id: &str) -> Origin {
        let mut data = LogData::default();
        data.log_group = "arches-dev-AuthLogs-AbC".to_owned();
        data.log_stream = "2026/11/27/arches-dev-Auth-XyZ[7][0f1e]".to_owned();
        let mut entry = LogEntry::default();
        entry.id = id.to_owned();
        entry.timestamp = 1_700_000_000_123;
        Origin::new(&data, &entry)
    }

    #[test]
    fn error_keeps_its_place_and_loses_who_caused_it() {
        let line = json!({
            "level": "ERROR", "target": "shared::http::request", "message": "request failed", "app": "arches", "env": "production",
            "version": "1.2.3", "request.id": "JKJaXmPLvHcESHA=", "trace.id": "5759e988bd862e3fe1be46a994272793",
            "method": "GET", "route": "/v1/auth/me", "status": 500, "code": "internal-error", "error": "read a row: no connection",
            "user.id": "canary", "ip": "canary", "email": "canary"
        });
        let event = serde_json::to_value(Problem::of_line(origin("1"), &line).event()).expect("JSON");
        for (pointer, value) in [
            ("/fingerprint", json!(["shared::http::request", "request failed"])),
            (
                "/exception/values/0",
                json!({ "type": "request failed", "value": "read a row: no connection" }),
            ),
            ("/release", json!("arches@1.2.3")),
            ("/environment", json!("production")),
            ("/server_name", json!("arches-dev-Auth-XyZ")),
            ("/contexts/trace/trace_id", json!("5759e988bd862e3fe1be46a994272793")),
            ("/tags/request.id", json!("JKJaXmPLvHcESHA=")),
            ("/tags/status", json!("500")),
            ("/timestamp", json!(1_700_000_000.123)),
        ] {
            assert_eq!(event.pointer(pointer), Some(&value), "{pointer} of {event:#}");
        }
        assert!(!event.to_string().contains("canary"), "{event:#}");
    }

    #[test]
    fn crash_and_timeout_are_reported_and_success_is_not() {
        let report = |status: &str, kind: Option<&str>| {
            let record = json!({
                "requestId": "r", "status": status, "errorType": kind,
                "tracing": { "type": "X-Amzn-Trace-Id", "value": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1" }
            });
            Problem::of_report(origin("1"), &record)
                .map(|problem| serde_json::to_value(problem.event()).expect("JSON"))
        };
        let timeout = report("timeout", None).expect("a problem");
        assert_eq!(timeout["exception"]["values"][0]["type"], "invocation timed out");
        assert_eq!(timeout["contexts"]["trace"]["trace_id"], "5759e988bd862e3fe1be46a994272793");
        let crash = report("failure", Some("Runtime.ExitError")).expect("a problem");
        assert_eq!(
            (&crash["level"], &crash["exception"]["values"][0]["value"]),
            (&json!("fatal"), &json!("Runtime.ExitError"))
        );
        assert!(report("success", None).is_none());
        assert!(report("error", None).is_none(), "the function has logged why");
    }

    #[test]
    fn line_that_is_delivered_again_has_the_same_id() {
        assert_eq!(origin("1").id, origin("1").id);
        assert_ne!(origin("1").id, origin("2").id);
    }
}
