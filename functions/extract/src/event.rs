//! The events of S3.
//!
//! "Event message structure", Amazon S3 User Guide. The sweeper and a retry send the same shape, with what is read here.

use anyhow::Context;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use shared::domain::ingestion;

/// What S3 sends when the notification is configured.
const TEST: &str = "s3:TestEvent";

/// The prefix of the keys of uploads.
const UPLOADS: &str = "uploads/";

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
    object: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    version_id: Option<String>,
}

/// An object that was uploaded.
#[derive(Debug)]
pub struct Uploaded {
    pub upload: ingestion::Upload,
    /// `None` for the current version.
    pub version: Option<String>,
}

/// Reads the body of a message. Objects that are not uploads are left out.
pub fn parse(body: &str) -> anyhow::Result<Vec<Uploaded>> {
    let event: Event = serde_json::from_str(body).context("not an event of S3")?;
    if event.event.as_deref() == Some(TEST) {
        return Ok(Vec::new());
    }
    let records = event.records.context("not an event of S3: no records")?;
    let uploads = records.into_iter().filter_map(|record| {
        let object = record.s3.object;
        // S3 encodes keys as a form does.
        let key = object.key.replace('+', " ");
        let key = percent_decode_str(&key).decode_utf8_lossy();
        let version = object.version_id.filter(|version| !version.is_empty());
        key.starts_with(UPLOADS).then(|| {
            let upload = ingestion::Upload::from_file_key(&key).context("not the key of an upload")?;
            Ok(Uploaded { upload, version })
        })
    });
    uploads.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "uploads/01936f3e-0000-7000-8000-000000000001/01936f3e-0000-7000-8000-000000000002/3";

    #[test]
    fn event_names_uploads() {
        let body = format!(
            r#"{{"Records": [{{"eventName": "ObjectCreated:Put", "s3": {{"bucket": {{"name": "b"}},
                "object": {{"key": "{}", "versionId": "v1", "size": 7}}}}}},
                {{"s3": {{"object": {{"key": "{KEY}"}}}}}}, {{"s3": {{"object": {{"key": "texts/a"}}}}}}]}}"#,
            KEY.replace('/', "%2F")
        );
        let uploads = parse(&body).expect("an event");
        let read: Vec<_> =
            uploads.iter().map(|upload| (upload.upload.file_key(), upload.version.as_deref())).collect();
        assert_eq!(read, [(KEY.to_owned(), Some("v1")), (KEY.to_owned(), None)]);
    }

    #[test]
    fn test_event_is_accepted_and_other_bodies_are_refused() {
        let test = r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}"#;
        assert!(parse(test).expect("an event").is_empty());
        let no_upload = r#"{"Records": [{"s3": {"object": {"key": "uploads/other"}}}]}"#;
        for body in ["", "[]", "{}", r#"{"Records": [{}]}"#, no_upload] {
            assert!(parse(body).is_err(), "{body}");
        }
    }
}
