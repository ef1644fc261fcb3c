//! Cuts a file into records while it is read: lines of JSON, an array, or a table (CSV).
//!
//! A damaged record is an error of its own, and the next one is found again where the text allows it.

use std::mem;

use serde_json::{Map, Value};

use super::{
    json::{self, Step},
    report::Refused,
    table::{self, Row},
};

/// The longest record.
pub const MAX_RECORD: usize = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The members of a record, or the columns of a row.
pub type Fields = Map<String, Value>;

/// A record of the file.
pub struct Record {
    /// The first record is 1. The names of columns are no record.
    pub number: u64,
    /// The line on which it begins; the first is 1.
    pub line: u64,
    pub fields: Result<Fields, Refused>,
}

enum Form {
    Unknown,
    /// A JSON object on each line.
    Lines,
    /// An object, before its member `users`.
    Object(json::Search),
    /// The elements of an array.
    Array,
    Table {
        columns: Option<Vec<String>>,
    },
    /// Nothing that follows is a record. `is_lost`: because of a damage.
    Over {
        is_lost: bool,
    },
}

/// What was read.
enum Next {
    Record(Record),
    /// Something that is no record.
    Other,
    /// Nothing: more bytes are needed, or this is the end.
    Nothing,
}

/// Reads the records of a file.
pub struct Reader {
    form: Form,
    has_users_member: bool,
    buffer: Vec<u8>,
    /// The end of what was read of `buffer`.
    position: usize,
    /// The line of `position`.
    line: u64,
    /// What stands before `position` on its line: the number of characters, if all of them are blank.
    indentation: Option<usize>,
    number: u64,
    /// What comes first is the rest of a line that was refused.
    is_rest_of_line: bool,
    at_end: bool,
}

impl Reader {
    /// `has_users_member`: a JSON object is no record, but has records in its member `users`.
    pub fn new(has_users_member: bool) -> Self {
        Self {
            form: Form::Unknown,
            has_users_member,
            buffer: Vec::new(),
            position: 0,
            line: 1,
            indentation: Some(0),
            number: 0,
            is_rest_of_line: false,
            at_end: false,
        }
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..mem::take(&mut self.position));
        self.buffer.extend_from_slice(bytes);
    }

    /// Notes that the file has ended.
    pub fn end(&mut self) {
        self.at_end = true;
    }

    /// Checks whether a damage hides the rest of the file.
    pub fn is_lost(&self) -> bool {
        matches!(self.form, Form::Over { is_lost: true })
    }

    /// Returns the next record; `None` if more bytes are needed, or at the end. Fails if the file cannot be read.
    pub fn next_record(&mut self) -> anyhow::Result<Option<Record>> {
        loop {
            if self.is_rest_of_line && !self.skip_line() {
                return Ok(None);
            }
            let next = match &self.form {
                Form::Unknown => self.find_form(),
                Form::Lines => self.next_line(),
                Form::Object(_) => self.find_users()?,
                Form::Array => self.next_element(),
                Form::Table { .. } => self.next_row()?,
                Form::Over { .. } => {
                    self.advance(self.rest().len());
                    Next::Nothing
                }
            };
            match next {
                Next::Record(record) => return Ok(Some(record)),
                Next::Other => {}
                Next::Nothing => return Ok(None),
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.position..]
    }

    /// Notes that the next `length` bytes were read.
    fn advance(&mut self, length: usize) {
        for byte in &self.buffer[self.position..self.position + length] {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.indentation = Some(0);
                }
                b' ' | b'\t' | b'\r' => self.indentation = self.indentation.map(|length| length + 1),
                _ => self.indentation = None,
            }
        }
        self.position += length;
    }

    /// Reads `length` bytes as a record.
    fn record(&mut self, length: usize, fields: Result<Fields, Refused>) -> Next {
        self.number += 1;
        let record = Record { number: self.number, line: self.line, fields };
        self.advance(length);
        Next::Record(record)
    }

    /// Reads `length` bytes that are no record.
    fn other(&mut self, length: usize) -> Next {
        self.advance(length);
        Next::Other
    }

    fn skip_blanks(&mut self, others: &[u8]) {
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || others.contains(byte);
        let blanks = self.rest().iter().take_while(|byte| is_blank(byte)).count();
        self.advance(blanks);
    }

    /// Recognizes the form of the file by its first character.
    fn find_form(&mut self) -> Next {
        if !self.at_end && self.rest().len() < BYTE_ORDER_MARK.len() {
            return Next::Nothing;
        }
        if self.line == 1 && self.rest().starts_with(BYTE_ORDER_MARK) {
            self.position += BYTE_ORDER_MARK.len();
        }
        self.skip_blanks(&[]);
        let (form, length) = match self.rest().first() {
            Some(b'[') => (Form::Array, 1),
            Some(b'{') if self.has_users_member => (Form::Object(json::Search::default()), 0),
            Some(b'{') => (Form::Lines, 0),
            Some(_) => (Form::Table { columns: None }, 0),
            None => return Next::Nothing,
        };
        self.form = form;
        self.other(length)
    }

    fn find_users(&mut self) -> anyhow::Result<Next> {
        let Form::Object(search) = &mut self.form else { return Ok(Next::Other) };
        let (length, is_found) = search.read(&self.buffer[self.position..]);
        self.advance(length);
        if is_found {
            self.form = Form::Array;
            return Ok(Next::Other);
        }
        anyhow::ensure!(!self.at_end, "the file has no array \"users\"");
        Ok(Next::Nothing)
    }

    /// Skips the rest of a line. Returns whether its end was reached.
    fn skip_line(&mut self) -> bool {
        let end = self.rest().iter().position(|byte| *byte == b'\n');
        self.advance(end.map_or(self.rest().len(), |end| end + 1));
        self.is_rest_of_line = end.is_none();
        end.is_some()
    }

    fn next_line(&mut self) -> Next {
        let end = self.rest().iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        let length = match end {
            Some(length) => length,
            None if self.at_end || self.rest().len() > MAX_RECORD => self.rest().len(),
            None => return Next::Nothing,
        };
        let line = &self.rest()[..length];
        if line.is_empty() {
            return Next::Nothing;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return self.other(length);
        }
        let fields = if length > MAX_RECORD { Err(Refused::TooLong) } else { json::object(line) };
        self.is_rest_of_line = end.is_none();
        self.record(length, fields)
    }

    fn next_element(&mut self) -> Next {
        self.skip_blanks(b",");
        let indentation = self.indentation;
        match json::element(self.rest(), indentation, self.at_end) {
            Step::More => Next::Nothing,
            Step::Over => {
                self.form = Form::Over { is_lost: false };
                Next::Other
            }
            Step::Element(length) => {
                let text = &self.rest()[..length];
                let fields = json::object(text);
                let next = if fields.is_ok() { None } else { json::next_beginning(text, indentation) };
                self.record(next.unwrap_or(length), fields)
            }
            Step::Damaged { length, reason } => self.record(length, Err(reason)),
            Step::Lost(reason) => {
                self.form = Form::Over { is_lost: true };
                self.record(self.rest().len(), Err(reason))
            }
        }
    }

    fn next_row(&mut self) -> anyhow::Result<Next> {
        let Form::Table { columns } = &self.form else { return Ok(Next::Other) };
        let Some((length, row)) = table::row(self.rest(), columns.as_deref(), self.at_end) else {
            return Ok(Next::Nothing);
        };
        // The rest is left only of a line that is too long.
        let is_whole = self.rest()[..length].ends_with(b"\n") || (self.at_end && length == self.rest().len());
        self.is_rest_of_line = !is_whole;
        Ok(match row {
            Row::Blank => self.other(length),
            Row::Names(names) => {
                anyhow::ensure!(
                    names.iter().any(|name| name == "id"),
                    "the file is neither JSON nor a table with a column \"id\""
                );
                self.form = Form::Table { columns: Some(names) };
                self.other(length)
            }
            Row::Values(fields) => self.record(length, fields),
        })
    }
}

#[cfg(test)]
mod tests;
