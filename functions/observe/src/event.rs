//! The events that invoke `observe`.

use anyhow::{Context, bail};
use aws_lambda_events::{
    cloudwatch_logs::{LogData, LogsEvent},
    sqs::SqsEvent,
};
use serde::Deserialize;
use serde_json::Value;

/// The type of the messages that have lines. CloudWatch sends others when a subscription is made, to test it.
const DATA: &str = "DATA_MESSAGE";

/// An event that Lambda gave up on (AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Undelivered {
    request_payload: Value,
}

/// Returns the lines of an event of CloudWatch, or of the events in a message of the queue.
pub fn parse(event: &Value) -> anyhow::Result<Vec<LogData>> {
    if event.get("awslogs").is_some() {
        return Ok(lines(event)?.into_iter().collect());
    }
    if event.get("Records").is_none() {
        bail!("invalid event: neither of CloudWatch Logs nor of SQS");
    }
    let batch = SqsEvent::deserialize(event).context("invalid event of SQS")?;
    let mut found = Vec::new();
    for message in batch.records {
        let body = message.body.unwrap_or_default();
        // Its error could repeat a value of the body.
        let record: Option<Undelivered> = serde_json::from_str(&body).ok();
        let record = record.context("invalid message: it is not the record of an invocation")?;
        found.extend(lines(&record.request_payload)?);
    }
    Ok(found)
}

fn lines(event: &Value) -> anyhow::Result<Option<LogData>> {
    // By reference: the type borrows the names of its members.
    let event = LogsEvent::deserialize(event);
    let data = event.map_err(|_| anyhow::anyhow!("invalid event of CloudWatch Logs"))?.aws_logs.data;
    Ok((data.message_type == DATA).then_some(data))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use data_encoding::BASE64;
    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;

    use super::*;

    fn event(kind: &str) -> Value {
        let data = json!({
            "messageType": kind, "owner": "123456789012", "logGroup": "group", "logStream": "stream", "subscriptionFilters": ["filter"],
            "logEvents": [{ "id": "1", "timestamp": 1_700_000_000_000_i64, "message": "a line" }]
        });
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(data.to_string().as_bytes()).expect("compressed");
        json!({ "awslogs": { "data": BASE64.encode(&gzip.finish().expect("compressed")) } })
    }

    #[test]
    fn lines_come_from_cloudwatch_or_from_the_queue_of_failed_runs() {
        let direct = parse(&event("DATA_MESSAGE")).expect("lines");
        assert_eq!(direct[0].log_events[0].message, "a line");
        let record =
            json!({ "version": "1.0", "requestPayload": event("DATA_MESSAGE"), "responsePayload": {} });
        let queued = json!({ "Records": [{ "messageId": "m", "body": record.to_string() }] });
        assert_eq!(parse(&queued).expect("lines"), direct);
    }

    #[test]
    fn test_of_a_subscription_has_no_lines() {
        assert!(parse(&event("CONTROL_MESSAGE")).expect("no lines").is_empty());
    }

    #[test]
    fn malformed_event_is_refused_without_its_content() {
        for event in [
            json!({}),
            json!({ "awslogs": { "data": "canary" } }),
            json!({ "awslogs": "canary" }),
            json!({ "Records": [{ "body": "canary" }] }),
            json!({ "Records": [{ "body": "{\"requestPayload\": {\"awslogs\": {\"data\": \"canary\"}}}" }] }),
        ] {
            let error = parse(&event).expect_err("a malformed event");
            assert!(!format!("{error:#}").contains("canary"), "{error:#}");
        }
    }
}
