//! Reads server-sent events (HTML Living Standard, 9.2.6), however the network cuts their bytes. Only data is of interest.

use std::collections::VecDeque;

/// The longest event, in bytes.
const MAX_EVENT_BYTES: usize = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An event is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// A parser of a stream.
#[derive(Debug, Default)]
pub(super) struct EventStream {
    /// The beginning of a line.
    line: Vec<u8>,
    /// The data of an event whose end has not come; each line with a line feed.
    data: Vec<u8>,
    events: VecDeque<Vec<u8>>,
    /// The last byte was a carriage return: a line feed after it ends the same line.
    after_return: bool,
    /// The first line was read.
    begun: bool,
}

impl EventStream {
    /// Adds the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => self.end_line(),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    /// Returns the data of the next event.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        self.events.pop_front()
    }

    /// Ends the stream. The standard drops an event without an empty line after it; some servers end like this, so it counts here.
    pub fn end(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.end_event();
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if line.is_empty() {
            self.end_event();
        } else if let Some(value) = line.strip_prefix(b"data:") {
            self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            self.data.push(b'\n');
        }
        // The allocation is used again.
        line.clear();
        self.line = line;
    }

    fn end_event(&mut self) {
        if self.data.pop().is_some() {
            self.events.push_back(std::mem::take(&mut self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the events of a stream that comes in pieces of `size` bytes.
    fn events(stream: &[u8], size: usize) -> Vec<String> {
        let (mut parser, mut found) = (EventStream::default(), Vec::new());
        for piece in stream.chunks(size) {
            parser.push(piece).expect("short events");
            found.extend(std::iter::from_fn(|| parser.next()));
        }
        parser.end();
        found.extend(std::iter::from_fn(|| parser.next()));
        found.into_iter().map(|data| String::from_utf8(data).expect("UTF-8")).collect()
    }

    #[test]
    fn stream_may_be_cut_anywhere() {
        let stream = "\u{feff}: comment\ndata: größer 😀\n\nid: 1\r\nevent: x\r\ndata:two\r\ndata: lines\r\n\r\ndata: cr\r\rretry: 5\n\ndata\ndata: last";
        for size in 1..=stream.len() {
            let found = events(stream.as_bytes(), size);
            assert_eq!(found, ["größer 😀", "two\nlines", "cr", "last"], "pieces of {size} bytes");
        }
    }

    #[test]
    fn data_is_not_trimmed_beyond_one_space() {
        assert_eq!(events(b"data:  a \n\ndata:\n\n", 3), [" a ", ""]);
    }

    #[test]
    fn comments_and_other_fields_are_no_events() {
        assert!(events(b": ping\n\nevent: x\n\nid: 3\n\ndatabase: x\n\n", 5).is_empty());
    }

    #[test]
    fn event_without_an_end_is_refused() {
        let mut parser = EventStream::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; 1000], b"\n"].concat();
        let pushed = (0..2_000).try_for_each(|_| parser.push(&line));
        assert_eq!(pushed, Err(TooLong));
        assert_eq!(EventStream::default().push(&vec![b'x'; MAX_EVENT_BYTES + 1]), Err(TooLong));
    }
}
