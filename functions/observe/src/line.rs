//! A line of the log: spans, a problem, or something else.

use aws_lambda_events::cloudwatch_logs::{LogData, LogEntry};
use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::ResourceSpans};
use serde::Deserialize;
use serde_json::Value;

use crate::problem::{Origin, Problem};

#[derive(Debug)]
pub enum Line {
    Spans(Vec<ResourceSpans>),
    Problem(Box<Problem>),
    Other,
}

/// Reads a line that a function or Lambda has written.
pub fn parse(data: &LogData, entry: &LogEntry) -> Line {
    let Ok(line) = serde_json::from_str::<Value>(&entry.message) else { return Line::Other };
    if line["otlp"] == true {
        // The types of the specification: what they do not read is not sent.
        if let Ok(request) = ExportTraceServiceRequest::deserialize(&line) {
            return Line::Spans(request.resource_spans);
        }
        tracing::error!(log.group = data.log_group, "line of spans refused: it is not OTLP");
        return Line::Other;
    }
    let origin = Origin::new(data, entry);
    if line["level"] == "ERROR" {
        Line::Problem(Box::new(Problem::of_line(origin, &line)))
    } else if line["type"] == "platform.report" {
        Problem::of_report(origin, &line["record"])
            .map_or(Line::Other, |problem| Line::Problem(Box::new(problem)))
    } else {
        Line::Other
    }
}
