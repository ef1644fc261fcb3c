//! Halves of characters. A server that cuts text between two code units of UTF-16 sends one half of a character at the end of an event, as
//! `\ud83d`, and the other half with the next event. As bytes, each half has three (WTF-8).

use std::str;

/// Joins the halves of characters in a stream of texts.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// The first half of a character whose second half has not come.
    first: Option<u16>,
}

impl Joiner {
    /// Returns the text of the next bytes. A half alone, and what is no UTF-8, becomes U+FFFD.
    pub fn join(&mut self, mut bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        while !bytes.is_empty() {
            let valid = match str::from_utf8(bytes) {
                Ok(valid) => valid,
                Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
            };
            bytes = &bytes[valid.len()..];
            if !valid.is_empty() {
                self.end_half(&mut text);
                text.push_str(valid);
            }
            bytes = match bytes {
                [] => bytes,
                [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, rest @ ..] => {
                    self.add_half(
                        0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f),
                        &mut text,
                    );
                    rest
                }
                [_, rest @ ..] => {
                    self.end_half(&mut text);
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest
                }
            };
        }
        text
    }

    fn add_half(&mut self, half: u16, text: &mut String) {
        let is_first = half < 0xdc00;
        if is_first {
            self.end_half(text);
            self.first = Some(half);
        } else {
            let halves = self.first.take().into_iter().chain([half]);
            text.extend(char::decode_utf16(halves).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
    }

    fn end_half(&mut self, text: &mut String) {
        if self.first.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] = b"\xed\xa0\xbd";
    const SECOND: &[u8] = b"\xed\xb8\x80";

    fn joined(pieces: &[&[u8]]) -> String {
        let mut joiner = Joiner::default();
        pieces.iter().map(|piece| joiner.join(piece)).collect()
    }

    #[test]
    fn halves_are_joined() {
        let (cut, whole) = ([&[b"a", FIRST].concat()[..], &[SECOND, b"b"].concat()], "a😀b");
        assert_eq!(joined(&cut), whole);
        assert_eq!(joined(&[b"a", FIRST, b"", SECOND, b"b"]), whole);
        assert_eq!(joined(&[&[FIRST, SECOND].concat()]), "😀");
        assert_eq!(joined(&["größer 😀".as_bytes()]), "größer 😀");
    }

    #[test]
    fn half_alone_is_replaced() {
        for (pieces, text) in [
            (&[FIRST, b"a"][..], "\u{fffd}a"),
            (&[SECOND, b"a"], "\u{fffd}a"),
            (&[FIRST, FIRST, SECOND], "\u{fffd}😀"),
            (&[b"a", FIRST], "a"),
            (&[b"a\xff\xe2\x82b"], "a\u{fffd}\u{fffd}\u{fffd}b"),
            (&[b"\xed\xa0"], "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(joined(pieces), text, "{pieces:?}");
        }
    }
}
