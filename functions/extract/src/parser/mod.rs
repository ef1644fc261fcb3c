//! From the bytes of a file to parts of text.
//!
//! This is the code that reads hostile files. It runs in a process of its own (`crate::child`) and asks nothing but its input.

mod csv;
mod docx;
mod encoding;
mod html;
mod markdown;
mod output;
mod pdf;
mod pdf_repair;
mod plain;
mod sniff;

use shared::domain::ingestion::{FailureCode, MAX_FILE_BYTES, MediaType};

use crate::protocol::Failure;

pub use output::Output;

/// Reads a Content-Type. Parameters such as `charset` are ignored: the content decides.
#[must_use]
pub fn media_type(text: &str) -> Option<MediaType> {
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    MediaType::ALL.iter().copied().find(|known| known.as_str() == essence)
}

/// Writes the text of `file` to `output`.
pub fn parse(media_type: MediaType, file: Vec<u8>, output: &mut Output) -> Result<(), Failure> {
    if file.is_empty() {
        return Err(FailureCode::EmptyFile.into());
    }
    if u64::try_from(file.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        return Err(Failure::new(FailureCode::TooMuchText, "the file is larger than 100 MiB"));
    }
    sniff::check(media_type, &file)?;
    match media_type {
        MediaType::PlainText => plain::parse(&encoding::decode(file)?, output),
        MediaType::Markdown => markdown::parse(&encoding::decode(file)?, output),
        MediaType::Html => html::parse(&encoding::decode_html(file)?, output),
        MediaType::Csv => csv::parse(&encoding::decode(file)?, output),
        MediaType::Pdf => pdf::parse(&file, output),
        MediaType::Docx => docx::parse(&file, output),
    }?;
    output.finish()
}

#[cfg(test)]
mod testing {
    use super::{Output, parse};
    use crate::protocol::Failure;

    /// Page, heading and text of each part.
    pub type Parts = Vec<(Option<u32>, Option<String>, String)>;

    /// Parses `file` in this process.
    pub fn summary(media_type: &str, file: impl Into<Vec<u8>>) -> Result<Parts, Failure> {
        let mut parts = Vec::new();
        let mut sink =
            |part: shared::domain::ingestion::TextPart| parts.push((part.page, part.heading, part.text));
        let media_type = super::media_type(media_type).expect("a known type");
        parse(media_type, file.into(), &mut Output::new(&mut sink))?;
        Ok(parts)
    }
}
