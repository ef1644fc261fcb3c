//! The messages of the queue: which uploads they are about.

use anyhow::Context;
use shared::domain::{file_event, ingestion};

/// The prefix of the keys of uploads.
const UPLOADS: &str = "uploads/";

/// An object that was uploaded.
#[derive(Debug)]
pub struct Uploaded {
    pub upload: ingestion::Upload,
    /// `None` for the current version.
    pub version: Option<String>,
}

/// Reads the body of a message. Objects that are not uploads are left out.
pub fn parse(body: &str) -> anyhow::Result<Vec<Uploaded>> {
    let files = file_event::parse(body)?.into_iter().filter(|file| file.key.starts_with(UPLOADS));
    let uploads = files.map(|file| {
        let upload = ingestion::Upload::from_file_key(&file.key).context("not the key of an upload")?;
        Ok(Uploaded { upload, version: file.version })
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
            r#"{{"Records": [{{"s3": {{"object": {{"key": "{}", "versionId": "v1"}}}}}},
                {{"s3": {{"object": {{"key": "{KEY}"}}}}}}, {{"s3": {{"object": {{"key": "texts/a"}}}}}}]}}"#,
            KEY.replace('/', "%2F")
        );
        let uploads = parse(&body).expect("an event");
        let read: Vec<_> =
            uploads.iter().map(|upload| (upload.upload.file_key(), upload.version.as_deref())).collect();
        assert_eq!(read, [(KEY.to_owned(), Some("v1")), (KEY.to_owned(), None)]);
    }

    #[test]
    fn key_that_is_not_that_of_an_upload_is_refused() {
        for key in ["uploads/other".to_owned(), format!("{KEY}/x"), KEY.replace("/3", "/03")] {
            let body = format!(r#"{{"Records": [{{"s3": {{"object": {{"key": "{key}"}}}}}}]}}"#);
            assert!(parse(&body).is_err(), "{key}");
        }
    }
}
