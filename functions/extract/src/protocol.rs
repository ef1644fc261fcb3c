//! What the parser process writes to its standard output: lines of JSON.

use serde::{Deserialize, Serialize};
use shared::domain::ingestion::{FailureCode, TextPart};

/// The most characters of a part. Longer texts become several parts.
pub const MAX_PART: usize = 32 << 10;

/// The most bytes of a line: the text of a part, each character escaped, with its heading.
pub const MAX_LINE: usize = MAX_PART * 12 + (16 << 10);

/// The most characters of a heading.
pub const MAX_HEADING: usize = 200;

/// The most pages of a file. A document with more is a bomb, or its tree of pages is.
pub const MAX_PAGES: u32 = 50_000;

/// The most characters of the detail of a failure.
const MAX_DETAIL: usize = 200;

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

    /// Returns the failure as far as the parser process may decide it: a code about the file, and a short sentence in ASCII.
    #[must_use]
    pub fn of_process(self) -> Self {
        let is_about_the_file = matches!(
            self.code,
            FailureCode::EmptyFile
                | FailureCode::NoText
                | FailureCode::EncryptedFile
                | FailureCode::BrokenFile
                | FailureCode::WrongMediaType
                | FailureCode::TooMuchText
        );
        if !is_about_the_file {
            return FailureCode::ExtractionCrashed.into();
        }
        let is_allowed = |c: &char| c.is_ascii_graphic() || *c == ' ';
        let detail = self.detail.map(|detail| detail.chars().filter(is_allowed).take(MAX_DETAIL).collect());
        Self { code: self.code, detail }
    }
}

impl From<FailureCode> for Failure {
    fn from(code: FailureCode) -> Self {
        Self { code, detail: None }
    }
}

/// Checks that a part is what a parser writes. The functions after this one rely on it: PostgreSQL takes no text with a NUL.
#[must_use]
pub fn is_part(part: &TextPart) -> bool {
    let is_text = |text: &str, most: usize| {
        text.chars().count() <= most && !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'))
    };
    !part.text.is_empty()
        && is_text(&part.text, MAX_PART)
        && part.heading.as_ref().is_none_or(|heading| is_text(heading, MAX_HEADING))
        && part.page.is_none_or(|page| (1..=MAX_PAGES).contains(&page))
}
