//! Finds the elements of an array in a JSON text that is read in pieces.

use serde_json::Value;

use super::{
    records::{Fields, MAX_RECORD},
    report::Refused,
};

/// What the beginning of a text is.
pub enum Step {
    /// More bytes are needed.
    More,
    /// The array has ended.
    Over,
    /// An element of this length.
    Element(usize),
    /// A damaged element. The next one begins after `length`.
    Damaged { length: usize, reason: Refused },
    /// A damaged element, and nothing shows where the next one begins.
    Lost(Refused),
}

/// Parses a record.
pub fn object(text: &[u8]) -> Result<Fields, Refused> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Refused::NoObject),
    }
}

/// Finds the element at the beginning of `text`. `indentation`: the number of blanks before it on its line, if nothing else is there.
pub fn element(text: &[u8], indentation: Option<usize>, at_end: bool) -> Step {
    match text.first() {
        None if at_end => Step::Lost(Refused::Cut),
        None => Step::More,
        Some(b']') => Step::Over,
        Some(b'{') => find_end(text, indentation, at_end),
        // Not a record: it ends where the next one may begin.
        Some(_) => match text.iter().position(|byte| matches!(byte, b',' | b'\n' | b']')) {
            Some(length) => Step::Damaged { length, reason: Refused::NoObject },
            None if at_end || text.len() > MAX_RECORD => Step::Lost(Refused::NoObject),
            None => Step::More,
        },
    }
}

/// Finds the end of the object at the beginning of `text`.
fn find_end(text: &[u8], indentation: Option<usize>, at_end: bool) -> Step {
    let (mut open, mut is_text, mut is_escaped, mut is_damaged) = (Vec::new(), false, false, false);
    for (position, byte) in text.iter().enumerate().take(MAX_RECORD) {
        match byte {
            b'\n' => {
                // A text in JSON has no line break: a quotation mark is missing, or there is one too many.
                is_damaged |= is_text;
                (is_text, is_escaped) = (false, false);
                if is_damaged && begins_record(&text[position + 1..], indentation) {
                    return Step::Damaged { length: position + 1, reason: Refused::NoObject };
                }
            }
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => open.push(*byte),
            b'}' | b']' if !is_text => {
                is_damaged |= open.pop() != Some(*byte - 2);
                if open.is_empty() {
                    return Step::Element(position + 1);
                }
            }
            _ => {}
        }
    }
    if text.len() < MAX_RECORD && !at_end {
        return Step::More;
    }
    let (damaged, lost) = if text.len() < MAX_RECORD {
        (Refused::NoObject, Refused::Cut)
    } else {
        (Refused::TooLong, Refused::TooLong)
    };
    match next_beginning(text, indentation) {
        Some(length) => Step::Damaged { length, reason: damaged },
        None => Step::Lost(lost),
    }
}

/// Finds the first line in a damaged record that may begin the next one, because it begins as the record does. So a bracket that is missing
/// hides nothing.
pub fn next_beginning(text: &[u8], indentation: Option<usize>) -> Option<usize> {
    let mut lines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end + 1);
    lines.find(|line| begins_record(&text[*line..], indentation))
}

/// Checks whether a line begins with a record that is as far to the right as the one before.
fn begins_record(line: &[u8], indentation: Option<usize>) -> bool {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    blanks == indentation.unwrap_or(0) && line.get(blanks) == Some(&b'{')
}

/// Looks for the array `users` in an object.
#[derive(Default)]
pub struct Search {
    depth: u32,
    is_text: bool,
    is_escaped: bool,
    /// The last text in the outermost object, since the last comma. Only its beginning.
    word: Vec<u8>,
}

impl Search {
    /// Reads `text`, until the array begins. Returns how much was read, and whether it has begun.
    pub fn read(&mut self, text: &[u8]) -> (usize, bool) {
        for (position, byte) in text.iter().enumerate() {
            if self.is_text {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_text = false,
                    _ => {}
                }
                if self.is_text && self.depth == 1 && self.word.len() < 8 {
                    self.word.push(*byte);
                }
                continue;
            }
            match byte {
                b'"' => {
                    self.is_text = true;
                    if self.depth == 1 {
                        self.word.clear();
                    }
                }
                b',' if self.depth == 1 => self.word.clear(),
                b'[' if self.depth == 1 && self.word == b"users" => return (position + 1, true),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        (text.len(), false)
    }
}
