//! What the parser process writes to its standard output: lines of JSON.

use serde::{Deserialize, Serialize};
use shared::domain::ingestion::{FailureCode, TextPart};

/// The most characters of a part. Longer texts become several parts.
pub const MAX_PART: usize = 32 << 10;

/// The most bytes of a line: the text of a part, each character escaped, with its heading.
pub const MAX_LINE: usize = MAX_PART * 12 + (16 << 10);

/// The most characters of a heading.
pub const MAX_HEADING: usize = 200;

/// The exit status of a parser process that could not limit itself. It has read no byte of the file.
pub const EXIT_NOT_LIMITED: u8 = 70;

/// A line. The last one is `Done` or `Failed`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The limits are in force. `filtered`: the system call filter too.
    Limited {
        filtered: bool,
    },
    Part(TextPart),
    Done,
    Failed(Failure),
    /// The parser panicked at this place of its source code.
    Panicked(String),
}

/// Why a file has no text. `detail` is for a person and never repeats the content of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: FailureCode,
    pub detail: Option<String>,
}

impl Failure {
    #[must_use]
    pub fn new(code: FailureCode, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()) }
    }

    #[must_use]
    pub fn broken(detail: impl Into<String>) -> Self {
        Self::new(FailureCode::BrokenFile, detail)
    }
}

impl From<FailureCode> for Failure {
    fn from(code: FailureCode) -> Self {
        Self { code, detail: None }
    }
}
