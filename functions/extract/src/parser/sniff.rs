//! Compares the content of a file with its declared type.

use infer::MatcherType;
use shared::domain::ingestion::{FailureCode, MediaType};

use crate::protocol::Failure;

/// Where the header of a PDF must begin. Acrobat accepts bytes before it, and so do we.
const PDF_HEADER_WITHIN: usize = 1024;

/// The first bytes of a Compound File (MS-CFB): old Office documents, and encrypted new ones.
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// How much of a text is looked at.
const SAMPLE: usize = 8 << 10;

/// Returns `wrong-media-type` if `file` cannot be of `declared`.
pub fn check(declared: MediaType, file: &[u8]) -> Result<(), Failure> {
    let matches = match declared {
        MediaType::Pdf => contains(&file[..file.len().min(PDF_HEADER_WITHIN)], b"%PDF-"),
        MediaType::Docx if file.starts_with(COMPOUND_FILE) => {
            // MS-OFFCRYPTO: the name of the stream with the encrypted package, in UTF-16.
            let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
            if contains(file, &name) {
                return Err(FailureCode::EncryptedFile.into());
            }
            false
        }
        MediaType::Docx => file.starts_with(b"PK\x03\x04"),
        _ => is_text(file),
    };
    if matches { Ok(()) } else { Err(wrong(declared, file)) }
}

/// Returns the failure of a file that is not of the type `declared`.
pub fn wrong(declared: MediaType, file: &[u8]) -> Failure {
    let declared = declared.as_str();
    let detail = match infer::get(file) {
        Some(found) if found.mime_type() != declared => {
            format!("the file is {}, not {declared}", found.mime_type())
        }
        _ => format!("the file is not {declared}"),
    };
    Failure::new(FailureCode::WrongMediaType, detail)
}

/// Checks that the beginning of `file` is text in some encoding, and not a format that is written in ASCII.
fn is_text(file: &[u8]) -> bool {
    if [b"%PDF-".as_slice(), b"{\\rtf", b"%!PS-"].iter().any(|header| file.starts_with(header)) {
        return false;
    }
    let sample = &file[..file.len().min(SAMPLE)];
    if is_utf_16(sample).is_some() {
        return true;
    }
    // A short file of a known format has few of these characters. Text without any can begin like one, for instance with "BM".
    let is_known = || infer::get(sample).is_some_and(|found| found.matcher_type() != MatcherType::Text);
    !is_binary(sample) && (!sample.iter().any(|byte| is_odd(*byte)) || !is_known())
}

/// Checks for a share of control characters that no text has. A few may be damage.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| is_odd(**byte)).count().saturating_sub(4) * 100 > bytes.len()
}

/// Checks for a control character that text does not have.
fn is_odd(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c' | b'\x1b')
}

/// Returns whether `sample` is UTF-16, and if so, whether it is little-endian: by its mark, or by the zeros of Latin text.
pub fn is_utf_16(sample: &[u8]) -> Option<bool> {
    match sample {
        [0xff, 0xfe, ..] => return Some(true),
        [0xfe, 0xff, ..] => return Some(false),
        _ => {}
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), sample.len() / 2);
    if pairs >= 4 && odd * 2 > pairs && even * 50 < pairs {
        return Some(true);
    }
    (pairs >= 4 && even * 2 > pairs && odd * 50 < pairs).then_some(false)
}

fn contains(bytes: &[u8], pattern: &[u8]) -> bool {
    bytes.windows(pattern.len()).any(|window| window == pattern)
}
