//! Finds the rows of a table (CSV, RFC 4180) in a text that is read in pieces.

use std::mem;

use csv::ReaderBuilder;
use serde_json::Value;

use super::{
    records::{Fields, MAX_RECORD},
    report::Refused,
};

/// What the beginning of a text is.
pub enum Row {
    Blank,
    /// The names of the columns.
    Names(Vec<String>),
    Values(Result<Fields, Refused>),
}

/// Where a row ends.
enum End {
    At(usize),
    /// A quotation mark is missing, or there is one too many.
    Damaged,
    /// In a quoted value.
    Quoted,
    Unknown,
}

/// Reads the row at the beginning of `text`. Returns its length too; `None` if more bytes are needed, or at the end.
///
/// Of a damaged row only the first line counts: a quotation mark that is missing there would swallow the rows after it.
pub fn row(text: &[u8], columns: Option<&[String]>, at_end: bool) -> Option<(usize, Row)> {
    let line = text.iter().take(MAX_RECORD).position(|byte| *byte == b'\n').map(|end| end + 1);
    if line.is_some_and(|length| text[..length].iter().all(u8::is_ascii_whitespace)) {
        return line.map(|length| (length, Row::Blank));
    }
    let first_line = line.unwrap_or(text.len().min(MAX_RECORD));
    let length = match find_end(text) {
        End::At(length) => length,
        End::Damaged if line.is_some() || at_end || text.len() >= MAX_RECORD => {
            return Some((first_line, Row::Values(Err(Refused::Quotes))));
        }
        End::Quoted | End::Unknown if text.len() >= MAX_RECORD => {
            return Some((first_line, Row::Values(Err(Refused::TooLong))));
        }
        End::Quoted if at_end => return Some((first_line, Row::Values(Err(Refused::Quotes)))),
        End::Unknown if at_end && !text.is_empty() => text.len(),
        End::Damaged | End::Quoted | End::Unknown => return None,
    };
    let values = match (values(&text[..length]), columns) {
        (values, None) => return Some((length, Row::Names(values.unwrap_or_default()))),
        (Ok(values), Some(columns)) if values.len() != columns.len() => Err(Refused::Columns),
        (values, Some(_)) => values,
    };
    let length = if values.is_ok() { length } else { first_line };
    let value = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    let names = columns.unwrap_or_default().iter().cloned();
    let fields = values.map(|values| names.zip(values.into_iter().map(value)).collect());
    Some((length, Row::Values(fields)))
}

/// Finds the end of the row at the beginning of `text`, with its line break.
fn find_end(text: &[u8]) -> End {
    let (mut is_quoted, mut was_closed, mut begins_value) = (false, false, true);
    for (position, byte) in text.iter().enumerate().take(MAX_RECORD) {
        let is_closed = mem::take(&mut was_closed);
        match byte {
            b'"' if is_quoted => (is_quoted, was_closed) = (false, true),
            // A doubled quotation mark is a part of the value.
            b'"' if is_closed || begins_value => is_quoted = true,
            b'"' => return End::Damaged,
            _ if is_quoted => {}
            b'\n' => return End::At(position + 1),
            b',' | b'\r' => {}
            _ if is_closed => return End::Damaged,
            _ => {}
        }
        begins_value = *byte == b',' && !is_quoted;
    }
    if is_quoted { End::Quoted } else { End::Unknown }
}

/// Parses a row.
fn values(row: &[u8]) -> Result<Vec<String>, Refused> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(row);
    let record = reader.byte_records().next().and_then(Result::ok).ok_or(Refused::Columns)?;
    record.iter().map(|value| String::from_utf8(value.to_vec()).map_err(|_| Refused::NoText)).collect()
}
