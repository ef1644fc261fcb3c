//! The events of S3 about files.
//!
//! "Event message structure", Amazon S3 User Guide. The sweeper and a retry send the same shape ([`file_event`](super::ingestion::file_event)).

use anyhow::{Context, anyhow};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// What S3 sends when the notification is configured.
const TEST: &str = "s3:TestEvent";

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
    #[serde(rename = "Event")]
    event: Option<String>,
}

#[derive(Deserialize)]
struct Record {
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    object: File,
}

/// A file that was written.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    pub key: String,
    /// `None` for the current version.
    #[serde(rename = "versionId")]
    pub version: Option<String>,
}

/// Reads the body of a message. The test event is about no file.
pub fn parse(body: &str) -> anyhow::Result<Vec<File>> {
    // serde's message can repeat a value.
    let event: Event = serde_json::from_str(body)
        .map_err(|error| anyhow!("not an event of S3: line {}, column {}", error.line(), error.column()))?;
    if event.event.as_deref() == Some(TEST) {
        return Ok(Vec::new());
    }
    let records = event.records.context("not an event of S3: no records")?;
    let file = |Record { s3: Entity { object } }| {
        // S3 encodes keys as a form does.
        let key = object.key.replace('+', " ");
        let key =
            percent_decode_str(&key).decode_utf8().context("not an event of S3: the key is not UTF-8")?;
        Ok(File { key: key.into_owned(), version: object.version.filter(|version| !version.is_empty()) })
    };
    records.into_iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names_files() {
        let body = r#"{"Records": [
            {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "a%2Fb+c%2B", "versionId": "v1", "size": 7}}},
            {"s3": {"object": {"key": "a", "versionId": ""}}}]}"#;
        let file = |key: &str, version: Option<&str>| File {
            key: key.to_owned(),
            version: version.map(str::to_owned),
        };
        assert_eq!(parse(body).expect("an event"), [file("a/b c+", Some("v1")), file("a", None)]);
    }

    #[test]
    fn test_event_is_accepted_and_other_bodies_are_refused_without_their_content() {
        let test = r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}"#;
        assert_eq!(parse(test).expect("an event"), []);
        let key = r#"{"Records": [{"s3": {"object": {"key": "secret%ff"}}}]}"#;
        for body in ["", "[]", "{}", r#"{"Records": "secret"}"#, r#"{"Records": [{"secret": 1}]}"#, key] {
            let error = parse(body).expect_err(body);
            assert!(!format!("{error:#}").contains("secret"), "{error:#}");
        }
    }
}
