//! Plain text.

use super::Output;
use crate::protocol::Failure;

pub fn parse(text: &str, output: &mut Output) -> Result<(), Failure> {
    chunks(text).try_for_each(|chunk| output.text(chunk))
}

/// Cuts a text into pieces, so that too much of it is noticed before all of it is copied.
pub fn chunks(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let mut end = text.len().min(64 << 10);
        while !text.is_char_boundary(end) {
            end += 1;
        }
        // Never between `\r` and `\n`, or before an accent.
        while text[end..]
            .starts_with(|next: char| next == '\n' || unicode_normalization::char::is_combining_mark(next))
        {
            end += text[end..].chars().next().map_or(0, char::len_utf8);
        }
        let (chunk, rest) = text.split_at(end);
        text = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}
