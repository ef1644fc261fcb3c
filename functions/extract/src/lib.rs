//! Extracts the text of uploaded files, and reports what came of it to `index`. Has no database.

pub mod child;
mod event;
pub mod extraction;
pub mod parser;
pub mod protocol;
pub mod sandbox;

use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::BASE64;
use metrics::counter;
use nix::sys::prctl::set_dumpable;
use shared::{
    aws::{
        s3::{Bucket, ObjectReader},
        sqs::Queue,
    },
    config::{Config, ConfigError},
    domain::ingestion::{FailureCode, IndexKind, IndexMessage, MAX_FILE_BYTES, Upload},
    lambda::queue::Message,
};

use self::{
    event::Uploaded,
    extraction::{Extraction, Parser, Text},
    protocol::Failure,
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["ARTIFACT_BUCKET", "INDEX_QUEUE_URL"];

/// Created once in `main`.
pub struct State {
    bucket: Bucket,
    index: Queue,
    parser: Parser,
    /// Whether the log says that parsers run without the system call filter.
    logged_unfiltered: AtomicBool,
}

/// Reads the settings, and hides the memory of this process, which has credentials, from the parser.
pub fn make() -> Result<State, ConfigError> {
    let config = Config::from_env(REQUIRED)?;
    if let Err(error) = set_dumpable(false) {
        tracing::warn!(error = %error, "memory of this process is not hidden: the kernel refused");
    }
    Ok(State {
        bucket: Bucket::new(&config.storage.artifacts, ""),
        index: Queue::new(&config.storage.index_queue),
        parser: Parser::default(),
        logged_unfiltered: AtomicBool::new(false),
    })
}

/// Extracts the text of the uploads that a message names. Safe to run again: the text of the same file is the same.
pub async fn handle(state: &State, message: &Message) -> anyhow::Result<()> {
    let uploads = event::parse(&message.body)?;
    if uploads.is_empty() {
        tracing::info!(message.id, "event ignored: it is not about an upload");
    }
    for uploaded in &uploads {
        Box::pin(extract(state, uploaded)).await?;
    }
    Ok(())
}

async fn extract(state: &State, uploaded: &Uploaded) -> anyhow::Result<()> {
    let upload = uploaded.upload;
    let Some(mut object) = state.bucket.reader(&upload.file_key(), uploaded.version.as_deref()).await? else {
        tracing::warn!(artifact.id = %upload.artifact_id, upload.generation, "file of an upload not found");
        return state.report(upload, IndexKind::Missing).await;
    };
    state.report(upload, IndexKind::Extracting).await?;
    let outcome = match read(state, &mut object).await? {
        Ok(text) => {
            let Text { characters, packed } = text;
            state.bucket.put(&upload.text_key(), packed).await?;
            Ok(characters)
        }
        Err(failure) => Err(failure),
    };
    let (size, code) =
        (object.size, outcome.as_ref().err().map_or("extracted", |failure| failure.code.as_str()));
    counter!("Extractions", "outcome" => code).increment(1);
    tracing::info!(artifact.id = %upload.artifact_id, upload.generation, size, outcome = code, "file read");
    let kind = match outcome {
        Ok(characters) => IndexKind::Extracted { characters },
        Err(Failure { code, detail }) => IndexKind::Failed { failure: code, detail },
    };
    state.report(upload, kind).await
}

/// Reads an object to its end. A checksum that differs is more important than what the parser says about other content.
async fn read(state: &State, object: &mut ObjectReader) -> anyhow::Result<Result<Text, Failure>> {
    if object.size > MAX_FILE_BYTES {
        return Ok(Err(Failure::new(FailureCode::TooMuchText, "the file is larger than 100 MiB")));
    }
    let declared = object.content_type.clone().unwrap_or_default();
    let Some(media_type) = parser::media_type(&declared) else {
        return Ok(Err(Failure::new(FailureCode::WrongMediaType, "files of this type cannot be read")));
    };
    let Extraction { outcome, sha256, size, filtered, panicked } =
        state.parser.run(media_type, async || Ok(object.next().await?)).await?;
    if !filtered && !state.logged_unfiltered.swap(true, Ordering::Relaxed) {
        tracing::warn!("parser process has no system call filter: the kernel refused it");
    }
    if let Some(place) = panicked {
        tracing::warn!(place, media_type = media_type.as_str(), "parser panicked");
    }
    let detail = match &object.sha256 {
        _ if size != object.size => "the object could not be read to its end",
        Some(expected) if *expected == BASE64.encode(sha256.as_ref()) => return Ok(outcome),
        Some(_) => "the content differs from the announced SHA-256",
        None => "the object has no SHA-256",
    };
    Ok(Err(Failure::new(FailureCode::ChecksumMismatch, detail)))
}

impl State {
    async fn report(&self, upload: Upload, kind: IndexKind) -> anyhow::Result<()> {
        let message = serde_json::to_string(&IndexMessage { upload, kind })?;
        Ok(self.index.send(&message).await?)
    }
}
