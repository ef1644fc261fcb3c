//! Tables: a line for each row, with the names of the columns, so that a row can be understood alone.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder};
use shared::domain::ingestion::FailureCode;

use super::{Output, plain};
use crate::protocol::Failure;

/// The most columns. A spreadsheet has at most as many.
const MAX_COLUMNS: usize = 16_384;

/// The most bytes of a row: as many as the longest text can have.
const MAX_ROW: usize = 40 << 20;

/// The most characters of a column's name that are repeated in each row.
const MAX_NAME: usize = 100;

/// How much is looked at to find what separates the columns.
const SAMPLE: usize = 64 << 10;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub fn parse(table: &str, output: &mut Output) -> Result<(), Failure> {
    let table = table.trim_start_matches('\u{feff}');
    // Excel names the separator in a line of its own.
    let (separator, table) = match table.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
        Some((separator, rest)) if separator.trim_end().len() == 1 => (separator.as_bytes()[0], rest),
        _ => (separator(table), table),
    };
    let source = Source { rest: table.as_bytes(), row: 0 };
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(source);
    let (mut names, mut row) = (Vec::new(), ByteRecord::new());
    let mut number = 0_u64;
    // The only possible error is that of the source.
    while reader.read_byte_record(&mut row).map_err(|_| {
        Failure::new(FailureCode::TooMuchText, format!("row {} has more than {MAX_ROW} bytes", number + 1))
    })? {
        number += 1;
        reader.get_mut().row = 0;
        if row.len() > MAX_COLUMNS {
            return Err(Failure::broken(format!(
                "row {number} has {} columns; at most {MAX_COLUMNS} are read",
                row.len()
            )));
        }
        if number == 1 {
            names = row.iter().map(name).collect();
        }
        let mut separator = "";
        for (column, value) in row.iter().enumerate() {
            let value = String::from_utf8_lossy(value);
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            output.text(separator)?;
            separator = "; ";
            if let Some(name) = names.get(column).filter(|name| number > 1 && !name.is_empty()) {
                output.text(name)?;
                output.text(": ")?;
            }
            plain::chunks(value).try_for_each(|chunk| output.text(chunk))?;
        }
        output.text("\n")?;
    }
    Ok(())
}

fn name(value: &[u8]) -> String {
    let words: Vec<_> = String::from_utf8_lossy(value).split_whitespace().map(str::to_owned).collect();
    words.join(" ").chars().take(MAX_NAME).collect()
}

/// A table that is read row by row. A quote that is never closed makes the rest of the table one row.
struct Source<'a> {
    rest: &'a [u8],
    /// Bytes that were read for this row.
    row: usize,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row > MAX_ROW {
            return Err(io::Error::other("the row is too long"));
        }
        let read = self.rest.read(buffer)?;
        self.row += read;
        Ok(read)
    }
}

/// Returns the separator that divides most of the first lines into the same number of columns.
fn separator(table: &str) -> u8 {
    let mut end = table.len().min(SAMPLE);
    while !table.is_char_boundary(end) {
        end -= 1;
    }
    let score = |separator: &u8| {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(*separator)
            .from_reader(&table.as_bytes()[..end]);
        let rows: Vec<_> =
            reader.byte_records().take(30).filter_map(Result::ok).map(|row| row.len()).collect();
        // The last row may be cut.
        let rows = if rows.len() > 1 && end < table.len() { &rows[..rows.len() - 1] } else { &rows };
        let most =
            rows.iter().copied().max_by_key(|width| rows.iter().filter(|other| *other == width).count());
        let columns = most.filter(|columns| *columns > 1).unwrap_or_default();
        (rows.iter().filter(|width| **width == columns).count(), columns)
    };
    // The first one wins if none divides the lines.
    SEPARATORS.into_iter().rev().max_by_key(score).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::testing::summary;

    fn text(table: &str) -> String {
        let parts = summary("text/csv", table).expect("text");
        parts.into_iter().map(|part| part.2).collect()
    }

    #[test]
    fn rows_have_the_names_of_their_columns() {
        let table = "name,age\n\"Lovelace, Ada\",36\nGrace,\n,,extra\n\"two\nlines\",\"a \"\"b\"\"\"\n";
        let expected =
            "name; age\nname: Lovelace, Ada; age: 36\nname: Grace\nextra\nname: two\nlines; age: a \"b\"";
        assert_eq!(text(table), expected);
    }

    #[test]
    fn separator_is_found() {
        for separator in [",", ";", "\t", "|"] {
            let table = ["a, b", "1,5", "x"].join(separator) + "\n" + &["c, d", "2,5", "y"].join(separator);
            let quoted = table
                .replace("a, b", "\"a, b\"")
                .replace("c, d", "\"c, d\"")
                .replace("1,5", "\"1,5\"")
                .replace("2,5", "\"2,5\"");
            assert!(text(&quoted).contains("a, b: c, d; 1,5: 2,5; x: y"), "{separator}: {}", text(&quoted));
        }
        assert!(text("sep=;\na;b\n1,2;3").contains("a: 1,2; b: 3"));
        assert_eq!(text("one\ntwo"), "one\none: two");
    }

    #[test]
    fn a_million_columns_are_refused() {
        let failure = summary("text/csv", "a,".repeat(1_000_000)).expect_err("too many columns");
        assert_eq!(failure.code, FailureCode::BrokenFile);
        assert!(failure.detail.is_some_and(|detail| detail.contains("1000001 columns")));
    }

    #[test]
    fn quote_that_is_never_closed_is_text() {
        assert_eq!(text("a,b\n1,\"open\n2,3\n"), "a; b\na: 1; b: open\n2,3");
    }
}
