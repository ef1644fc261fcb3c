//! The way of an artifact from its file to its chunks: its states, the objects in S3, and the messages between the functions.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ids::{ArtifactId, OrganizationId};

/// The largest file, in bytes. Amazon S3 recommends one `PUT` up to this size.
pub const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;
/// The longest text of an artifact, in characters.
pub const MAX_CHARACTERS: usize = 10_000_000;
/// The most bytes of an extracted text before it is compressed. A character has at most 4 bytes, or 6 where JSON escapes it; the rest is
/// for the other members of its parts.
pub const MAX_TEXT_BYTES: usize = MAX_CHARACTERS * 7;
/// The most chunks of an artifact.
pub const MAX_CHUNKS: usize = 5_000;
/// The lifetime of a link for an upload. Until then an artifact without a file may still get one.
pub const UPLOAD_LINK_LIFETIME: Duration = Duration::from_mins(15);

text_enum!(
    /// The state of an artifact.
    ArtifactStatus {
        /// Its file is not uploaded yet.
        Pending = "pending",
        Processing = "processing",
        /// It can be found.
        Ready = "ready",
        Failed = "failed",
        /// Its file was not uploaded in time.
        Expired = "expired",
    }
);

text_enum!(
    /// The step of an artifact that is being processed.
    Stage {
        Extracting = "extracting",
        Indexing = "indexing",
    }
);

text_enum!(
    /// The type of a file, from which text can be extracted.
    MediaType {
        PlainText = "text/plain",
        Markdown = "text/markdown",
        Html = "text/html",
        Csv = "text/csv",
        Pdf = "application/pdf",
        Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
);

text_enum!(
    /// The reason why an artifact failed.
    FailureCode {
        /// The file has no content.
        EmptyFile = "empty-file",
        /// The file has no text, for instance scanned pages.
        NoText = "no-text",
        /// The file is protected by a password.
        EncryptedFile = "encrypted-file",
        /// The file is damaged.
        BrokenFile = "broken-file",
        /// The content is of another type than announced.
        WrongMediaType = "wrong-media-type",
        /// The content differs from the announced checksum.
        ChecksumMismatch = "checksum-mismatch",
        /// The file has more text than an artifact may have, or expands too much.
        TooMuchText = "too-much-text",
        /// The text has more chunks than an artifact may have.
        TooManyChunks = "too-many-chunks",
        /// The file made the parser crash, or use too much memory.
        ExtractionCrashed = "extraction-crashed",
        /// The file kept the parser busy for too long.
        ExtractionTimedOut = "extraction-timed-out",
        /// The file is gone from storage, for instance after a restore.
        ContentMissing = "content-missing",
        /// The organization has as many chunks as its plan allows.
        PlanLimitReached = "plan-limit-reached",
        /// The organization has used the tokens of this month.
        BudgetUsedUp = "budget-used-up",
        /// The model did not answer for too long.
        ModelUnavailable = "model-unavailable",
        /// Indexing failed again and again.
        IndexingFailed = "indexing-failed",
        /// Processing stopped without a reason that is known.
        ProcessingStopped = "processing-stopped",
    }
);

impl FailureCode {
    /// Returns whether the same file may succeed later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::PlanLimitReached
                | Self::BudgetUsedUp
                | Self::ModelUnavailable
                | Self::IndexingFailed
                | Self::ProcessingStopped
        )
    }

    /// Returns whether a retry can use the chunks and vectors that were stored so far.
    #[must_use]
    pub const fn keeps_chunks(self) -> bool {
        // Chunks that the plan does not allow are not kept.
        self.is_retryable() && !matches!(self, Self::PlanLimitReached)
    }
}

/// An upload of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    pub organization_id: OrganizationId,
    pub artifact_id: ArtifactId,
    /// Counts the uploads of the artifact, from 1.
    pub generation: i32,
}

impl Upload {
    /// Returns the key of the file.
    #[must_use]
    pub fn file_key(&self) -> String {
        format!("uploads/{self}")
    }

    /// Returns the key of the extracted text: JSON lines of [`TextPart`], compressed by zstd.
    #[must_use]
    pub fn text_key(&self) -> String {
        format!("texts/{self}.jsonl.zst")
    }

    /// Reads the key of a file.
    #[must_use]
    pub fn from_file_key(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix("uploads/")?.split('/');
        let mut next = || parts.next();
        let upload = Self {
            organization_id: OrganizationId(Uuid::from_str(next()?).ok()?),
            artifact_id: ArtifactId(Uuid::from_str(next()?).ok()?),
            generation: next()?.parse().ok()?,
        };
        // Another spelling of the same ids is another object.
        (upload.file_key() == key).then_some(upload)
    }
}

impl fmt::Display for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.organization_id, self.artifact_id, self.generation)
    }
}

/// A piece of extracted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPart {
    /// From 1; only if the file has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The heading above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    pub text: String,
}

/// A message to `index`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexMessage {
    #[serde(flatten)]
    pub upload: Upload,
    #[serde(flatten)]
    pub kind: IndexKind,
}

/// What happened to the upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum IndexKind {
    /// Its text is being extracted.
    Extracting,
    /// Its text is in storage.
    Extracted { characters: u64 },
    /// It has no text.
    Failed { failure: FailureCode, detail: Option<String> },
    /// There is no file.
    Missing,
    /// Indexing goes on where it stopped.
    Continue,
}

/// A message to `index` about vectors of one more model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReindexMessage {
    pub reindex: Reindex,
}

/// Embeds chunks of ready artifacts that have no vector of the model: of the next one if there is one, otherwise of the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Reindex {
    /// The chunks of one artifact.
    Artifact(Upload),
    /// Those of all artifacts, in the order of their organizations and ids.
    All {
        /// The artifacts up to this one are done.
        after: Option<(OrganizationId, ArtifactId)>,
        /// Artifacts that got vectors so far.
        artifacts: u64,
        /// Organizations whose tokens are used up.
        skipped: u64,
    },
}

impl Reindex {
    /// From the first artifact.
    pub const ALL: Self = Self::All { after: None, artifacts: 0, skipped: 0 };
}

/// Returns the message that S3 sends to the queue of `extract` when a file is written. `/retry` and the sweeper send it too.
#[must_use]
pub fn file_event(bucket: &str, upload: &Upload) -> String {
    // Ids and slashes need no URL encoding.
    let object = serde_json::json!({ "key": upload.file_key() });
    let record = serde_json::json!({ "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": bucket }, "object": object } });
    serde_json::json!({ "Records": [record] }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload() -> Upload {
        Upload { organization_id: OrganizationId::new(), artifact_id: ArtifactId::new(), generation: 2 }
    }

    #[test]
    fn key_of_a_file_names_its_upload() {
        let upload = upload();
        assert_eq!(Upload::from_file_key(&upload.file_key()), Some(upload));
    }

    #[test]
    fn other_spellings_of_a_key_are_not_read() {
        let key = upload().file_key();
        for other in [
            key.to_uppercase(),
            key.replace("/2", "/02"),
            key.replace("/2", "/+2"),
            format!("{key}/"),
            String::new(),
        ] {
            assert_eq!(Upload::from_file_key(&other), None, "{other}");
        }
    }

    #[test]
    fn messages_are_flat_json() {
        let upload = upload();
        let kind = IndexKind::Failed { failure: FailureCode::NoText, detail: None };
        let message = IndexMessage { upload, kind };
        let json = serde_json::to_value(&message).expect("JSON");
        assert_eq!((&json["kind"], &json["failure"]), (&"failed".into(), &"no-text".into()));
        assert_eq!(json["artifactId"], upload.artifact_id.to_string());
        assert_eq!(serde_json::from_value::<IndexMessage>(json).expect("a message"), message);
    }
}
