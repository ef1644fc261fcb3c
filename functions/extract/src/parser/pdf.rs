//! PDF, page by page.
//!
//! `pdf-extract` finds the words by the places of the glyphs, and panics on some malformed files. `lopdf` only reads the strings of a
//! page, which is worse, and fast. So a page is read by the first, and by the second if the first fails or has used up its time.

use std::{
    borrow::Cow,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};
use pdf_extract::{Document, Error, PlainTextOutput, output_doc_page};
use shared::domain::ingestion::FailureCode;

use super::{Output, pdf_repair};
use crate::protocol::{Failure, MAX_PAGES};

/// The CPU time after which the pages that are left are read in the fast way: half of what the process has.
const CAREFUL: Duration = Duration::from_secs(30);

pub fn parse(file: &[u8], output: &mut Output) -> Result<(), Failure> {
    let mut document = load(file)?;
    if document.is_encrypted() {
        // Many documents have only a password of the owner. The password that opens them is empty.
        document.decrypt("").map_err(|_| FailureCode::EncryptedFile)?;
    }
    let pages = document.get_pages();
    if pages.is_empty() {
        return Err(Failure::broken("the document has no pages that can be found"));
    }
    if pages.len() > MAX_PAGES as usize {
        return Err(Failure::broken(format!(
            "the document has {} pages; at most {MAX_PAGES} are read",
            pages.len()
        )));
    }
    let mut failed = 0;
    for page in pages.keys().copied() {
        let text = if used()? < CAREFUL {
            careful(&document, page).or_else(|| fast(&document, page))
        } else {
            fast(&document, page)
        };
        let Some(text) = text else {
            failed += 1;
            continue;
        };
        output.page(page);
        output.text(&join_words(&text))?;
    }
    if failed == pages.len() {
        return Err(Failure::broken("no page of the document can be read"));
    }
    match output.finish() {
        Err(failure) if failure.code == FailureCode::NoText && failed > 0 => Err(Failure::broken(format!(
            "{failed} of {} pages cannot be read, and the others have no text",
            pages.len()
        ))),
        done => done,
    }
}

fn load(file: &[u8]) -> Result<Document, Failure> {
    match Document::load_mem(file) {
        Ok(document) => Ok(document),
        Err(Error::Decryption(_) | Error::InvalidPassword) => Err(FailureCode::EncryptedFile.into()),
        Err(_) => {
            let rebuilt = pdf_repair::rebuild(file).and_then(|file| Document::load_mem(&file).ok());
            rebuilt.ok_or_else(|| Failure::broken("the document cannot be read; it may be incomplete"))
        }
    }
}

/// Returns the text of a page; `None` if it cannot be read, or has none.
fn careful(document: &Document, page: u32) -> Option<String> {
    let mut text = String::new();
    let read = panic::catch_unwind(AssertUnwindSafe(|| {
        output_doc_page(document, &mut PlainTextOutput::new(&mut text), page).is_ok()
    }));
    matches!(read, Ok(true)).then_some(text)
}

fn fast(document: &Document, page: u32) -> Option<String> {
    panic::catch_unwind(AssertUnwindSafe(|| document.extract_text(&[page]).ok())).ok().flatten()
}

/// Returns the CPU time of this thread.
fn used() -> Result<Duration, Failure> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map(Duration::from).map_err(|_| FailureCode::ExtractionCrashed.into())
}

/// Joins words that were divided at the end of a line: a letter, a hyphen, a line feed, a small letter.
fn join_words(text: &str) -> Cow<'_, str> {
    let mut joined = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("-\n") {
        let (before, after) = (&rest[..at], rest[at + 1..].trim_start());
        let is_divided = before.ends_with(char::is_alphabetic) && after.starts_with(char::is_lowercase);
        joined.push_str(before);
        if is_divided {
            rest = after;
        } else {
            joined.push('-');
            rest = &rest[at + 1..];
        }
    }
    if joined.is_empty() {
        return Cow::Borrowed(text);
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divided_words_are_joined() {
        let text = "an exam-\nple, and well-\n\nknown; 1-\n2, co-\nOp -\nend-";
        assert_eq!(join_words(text), "an example, and wellknown; 1-\n2, co-\nOp -\nend-");
        assert!(matches!(join_words("a-b\n"), Cow::Borrowed(_)));
    }
}
