//! The conversation between sqlx and the server. Pure: bytes in, bytes out.

use std::{collections::VecDeque, io, mem};

use super::messages::{self, Message, invalid, message, parameter_types, refusal, split, statement};

/// `ReadyForQuery`, in a transaction.
const READY: &[u8] = b"Z\0\0\0\x05T";
const FLUSH: &[u8] = b"H\0\0\0\x04";
const SYNC: &[u8] = b"S\0\0\0\x04";

#[derive(Default)]
pub(super) struct Exchange {
    /// Whether the server has accepted the login. Until then everything passes unchanged.
    is_open: bool,
    begin: Begin,
    commit: Commit,
    /// Whether the first statement may be sent again, on another connection.
    is_repeatable: bool,
    /// sqlx's messages since the last Parse, not sent before it executes the statement.
    held: Vec<u8>,
    /// The answers that the server still owes, in this order.
    expected: VecDeque<Answer>,
    /// The start of an incomplete message.
    from_sqlx: Vec<u8>,
    from_server: Vec<u8>,
    pub(super) to_sqlx: Outgoing,
    /// Kept until BEGIN is answered, because it may be sent again.
    pub(super) to_server: Outgoing,
}

/// Bytes to write, and how many of them are written.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    pub(super) fn advance(&mut self, written: usize) {
        self.written += written;
    }

    /// Deletes what is written.
    pub(super) fn clean(&mut self) {
        if self.rest().is_empty() {
            self.bytes.clear();
            self.written = 0;
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

/// BEGIN of the transaction.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Begin {
    Unsent(&'static str),
    Unanswered,
    #[default]
    Answered,
}

/// COMMIT of the transaction.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Commit {
    /// sqlx sends it.
    #[default]
    Separate,
    WithNextStatement,
    Unanswered,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Begin,
    Statement,
    Commit,
}

impl Exchange {
    /// Begins a transaction: BEGIN is sent with the first statement.
    pub(super) fn begin(&mut self, is_repeatable: bool) {
        (self.begin, self.commit) = (Begin::Unsent("BEGIN"), Commit::Separate);
        self.is_repeatable = is_repeatable;
    }

    /// Sends COMMIT with the next statement, which changes nothing.
    ///
    /// BEGIN READ ONLY in the same flush proves that: such a flush may be sent again.
    pub(super) fn last_read(&mut self) {
        if self.is_unsent() {
            self.begin = Begin::Unsent("BEGIN READ ONLY");
        }
        self.commit = Commit::WithNextStatement;
    }

    /// Checks whether the server knows nothing of the transaction.
    pub(super) fn is_unsent(&self) -> bool {
        matches!(self.begin, Begin::Unsent(_))
    }

    pub(super) fn is_begin_answered(&self) -> bool {
        self.begin == Begin::Answered
    }

    pub(super) fn is_committed(&self) -> bool {
        self.commit == Commit::Done
    }

    /// Checks whether everything can be sent again: nothing was answered, and nothing can have been committed.
    pub(super) fn is_repeatable(&self) -> bool {
        self.is_repeatable && self.begin != Begin::Answered
    }

    /// Starts again with what was sent, on a new connection.
    pub(super) fn repeat(&mut self) {
        self.is_repeatable = false;
        self.from_server.clear();
        self.to_server.written = 0;
    }

    pub(super) fn take_from_sqlx(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.is_open {
            self.to_server.push(bytes);
            return Ok(());
        }
        let mut input = mem::take(&mut self.from_sqlx);
        input.extend_from_slice(bytes);
        self.from_sqlx = each(input, |message| self.on_sqlx(message))?;
        Ok(())
    }

    pub(super) fn take_from_server(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut input = mem::take(&mut self.from_server);
        input.extend_from_slice(bytes);
        self.from_server = each(input, |message| self.on_server(message))?;
        Ok(())
    }

    fn on_sqlx(&mut self, Message { tag, body, whole }: Message<'_>) -> io::Result<()> {
        match tag {
            // Parse begins a statement. What an abandoned one left is not sent.
            b'P' => self.held = whole.to_vec(),
            // Describe, Bind, Execute, Close.
            b'D' | b'B' | b'E' | b'C' => self.held.extend_from_slice(whole),
            // Sync, first after Parse and Describe, then after Execute.
            b'S' if is_described_only(&self.held)? => self.answer_describe()?,
            b'S' => self.send(&[], SYNC),
            // A simple query: COMMIT and ROLLBACK.
            b'Q' => {
                self.held.clear();
                self.send(whole, &[]);
            }
            b'X' => self.to_server.push(whole),
            _ => return Err(invalid(&format!("unexpected message of sqlx: {tag}, {} bytes", body.len()))),
        }
        Ok(())
    }

    /// Answers Parse and Describe in place of the server: with the parameter types that sqlx gave, and without columns. sqlx
    /// reads the columns when the statement is executed.
    fn answer_describe(&mut self) -> io::Result<()> {
        let parse = split(&self.held)?.map_or(&[][..], |(parse, _)| parse.body);
        let answer = match parameter_types(parse) {
            _ if matches!(self.commit, Commit::Unanswered | Commit::Done) => refusal("a statement follows the last one of the transaction"),
            None => refusal("a statement is named, or the type of a parameter is not known"),
            Some(types) => [message(b'1', &[]), message(b't', types), message(b'n', &[])].concat(),
        };
        self.to_sqlx.push(&answer);
        self.to_sqlx.push(READY);
        Ok(())
    }

    /// Sends `[BEGIN] statement [COMMIT] Sync` as one.
    fn send(&mut self, query: &[u8], end: &[u8]) {
        if let Begin::Unsent(begin) = self.begin {
            self.to_server.push(&statement(begin));
            // The server answers BEGIN at once, so a dead connection is noticed long before a slow statement ends.
            self.to_server.push(FLUSH);
            self.expected.push_back(Answer::Begin);
            self.begin = Begin::Unanswered;
        }
        self.to_server.bytes.append(&mut self.held);
        self.to_server.push(query);
        self.expected.push_back(Answer::Statement);
        if self.commit == Commit::WithNextStatement && query.is_empty() {
            self.to_server.push(&statement("COMMIT"));
            self.expected.push_back(Answer::Commit);
            self.commit = Commit::Unanswered;
        }
        self.to_server.push(end);
    }

    fn on_server(&mut self, Message { tag, body, whole }: Message<'_>) -> io::Result<()> {
        match (self.expected.front(), tag) {
            (_, b'E') if self.is_repeatable() && messages::is_fatal(body) => {
                return Err(invalid("the server closed the connection"));
            }
            // After an error the server skips the rest. ReadyForQuery ends the answers.
            (_, b'E' | b'Z') => {
                self.expected.clear();
                self.is_open |= tag == b'Z';
                self.end_begin();
                self.to_sqlx.push(whole);
            }
            // CommandComplete.
            (Some(Answer::Begin), b'C') => {
                self.expected.pop_front();
                self.end_begin();
            }
            (Some(Answer::Commit), b'C') if body == b"COMMIT\0" => {
                self.expected.pop_front();
                self.commit = Commit::Done;
            }
            (Some(Answer::Commit), b'C') => return Err(invalid("COMMIT did not commit")),
            // sqlx did not ask for these. (CloseComplete of the statement comes after its CommandComplete.)
            (Some(Answer::Begin | Answer::Commit), b'1' | b'2' | b'3') => {}
            (front, _) => {
                // CommandComplete, EmptyQueryResponse.
                if front == Some(&Answer::Statement) && matches!(tag, b'C' | b'I') {
                    self.expected.pop_front();
                }
                self.to_sqlx.push(whole);
            }
        }
        Ok(())
    }

    fn end_begin(&mut self) {
        if self.begin == Begin::Unanswered {
            self.begin = Begin::Answered;
        }
    }
}

/// Checks whether the messages are Parse and Describe, without Execute.
fn is_described_only(mut held: &[u8]) -> io::Result<bool> {
    while let Some((message, rest)) = split(held)? {
        if message.tag == b'E' {
            return Ok(false);
        }
        held = rest;
    }
    Ok(true)
}

/// Calls `take` with each complete message, and returns the rest.
fn each(mut input: Vec<u8>, mut take: impl FnMut(Message<'_>) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut rest = &input[..];
    while let Some((message, after)) = split(rest)? {
        take(message)?;
        rest = after;
    }
    let taken = input.len() - rest.len();
    input.drain(..taken);
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FATAL: &[u8] = b"SFATAL\0VFATAL\0C57P01\0Mterminating\0\0";

    fn described(sql: &str) -> Vec<u8> {
        let parse = [b"\0", sql.as_bytes(), b"\0", &[0, 1, 0, 0, 0, 23][..]].concat();
        [message(b'P', &parse), message(b'D', b"S\0"), SYNC.to_vec()].concat()
    }

    fn executed() -> Vec<u8> {
        [message(b'B', &[0; 8]), message(b'E', &[0; 5]), message(b'C', b"P\0"), SYNC.to_vec()].concat()
    }

    fn tags(bytes: &[u8]) -> String {
        let mut tags = String::new();
        each(bytes.to_vec(), |message| {
            tags.push(message.tag.into());
            Ok(())
        })
        .expect("messages");
        tags
    }

    /// Returns an exchange that has sent `SELECT 1` as the first statement.
    fn sent(is_reused: bool, is_read: bool) -> Exchange {
        let mut exchange = Exchange { is_open: true, ..Exchange::default() };
        exchange.begin(is_reused);
        if is_read {
            exchange.last_read();
        }
        exchange.take_from_sqlx(&described("SELECT 1")).expect("messages");
        assert!(exchange.to_server.rest().is_empty() && exchange.is_unsent());
        // ParseComplete, ParameterDescription, NoData, ReadyForQuery.
        assert_eq!(tags(exchange.to_sqlx.rest()), "1tnZ");
        exchange.to_sqlx = Outgoing::default();
        // In pieces, as a socket may deliver them.
        for byte in executed() {
            exchange.take_from_sqlx(&[byte]).expect("messages");
        }
        exchange
    }

    fn answers(tags: &str) -> Vec<u8> {
        let body = |tag| match tag {
            b'C' => &b"COMMIT\0"[..],
            b'E' => b"SERROR\0VERROR\0C22012\0Mdivision by zero\0\0",
            _ => b"T",
        };
        tags.bytes().flat_map(|tag| message(tag, body(tag))).collect()
    }

    #[test]
    fn first_statement_is_sent_with_begin_and_one_sync() {
        let mut exchange = sent(true, false);
        assert_eq!(tags(exchange.to_server.rest()), "PBEHPDBECS");
        exchange.take_from_server(&answers("12C")).expect("messages");
        assert!(exchange.is_begin_answered() && exchange.to_sqlx.rest().is_empty());
        exchange.take_from_server(&answers("1tT2DDC3Z")).expect("messages");
        assert_eq!(tags(exchange.to_sqlx.rest()), "1tT2DDC3Z");
        assert!(!exchange.is_committed());
    }

    #[test]
    fn last_read_is_sent_with_begin_and_commit_and_one_sync() {
        let mut exchange = sent(true, true);
        assert_eq!(tags(exchange.to_server.rest()), "PBEHPDBECPBES");
        let sent = String::from_utf8_lossy(exchange.to_server.rest()).into_owned();
        assert!(sent.contains("BEGIN READ ONLY\0") && sent.contains("COMMIT\0"), "{sent}");
        exchange.take_from_server(&answers("12C1tT2DC312CZ")).expect("messages");
        assert_eq!(tags(exchange.to_sqlx.rest()), "1tT2DCZ");
        assert!(exchange.is_committed());
        exchange.to_sqlx = Outgoing::default();
        exchange.take_from_sqlx(&described("SELECT 2")).expect("messages");
        assert_eq!(tags(exchange.to_sqlx.rest()), "EZ", "a statement after the last one");
    }

    #[test]
    fn failed_statement_is_not_committed() {
        let mut exchange = sent(true, true);
        exchange.take_from_server(&answers("12C1tT2EZ")).expect("messages");
        assert_eq!(tags(exchange.to_sqlx.rest()), "1tT2EZ");
        assert!(!exchange.is_committed());
    }

    #[test]
    fn commit_that_does_not_commit_is_an_error() {
        let mut exchange = sent(true, true);
        exchange.take_from_server(&answers("12C1tT2DC312")).expect("messages");
        assert!(exchange.take_from_server(&message(b'C', b"ROLLBACK\0")).is_err());
    }

    #[test]
    fn only_what_was_not_answered_is_sent_again_and_only_once() {
        let mut exchange = sent(true, false);
        let everything = exchange.to_server.rest().to_vec();
        exchange.to_server.advance(everything.len());
        exchange.take_from_server(&answers("1")).expect("a message");
        assert!(exchange.take_from_server(&message(b'E', FATAL)).is_err() && exchange.is_repeatable());
        exchange.repeat();
        assert_eq!(exchange.to_server.rest(), everything);
        assert!(!exchange.is_repeatable());
        exchange.take_from_server(&answers("12C1tT2DC3Z")).expect("messages");
        assert_eq!(tags(exchange.to_sqlx.rest()), "1tT2DC3Z");

        let mut exchange = sent(true, true);
        exchange.take_from_server(&answers("12C")).expect("messages");
        assert!(!exchange.is_repeatable(), "BEGIN was answered");
        assert!(!sent(false, false).is_repeatable(), "the connection is new");
    }

    #[test]
    fn connection_that_was_closed_while_idle_is_not_an_error_of_the_statement() {
        let mut exchange = Exchange { is_open: true, ..Exchange::default() };
        exchange.begin(true);
        assert!(exchange.take_from_server(&message(b'E', FATAL)).is_err() && exchange.is_repeatable());
        assert!(exchange.to_sqlx.rest().is_empty());
    }

    #[test]
    fn fatal_error_of_a_new_connection_is_passed_on() {
        let mut exchange = sent(false, false);
        exchange.take_from_server(&message(b'E', FATAL)).expect("messages");
        assert_eq!(tags(exchange.to_sqlx.rest()), "E");
    }

    #[test]
    fn parameter_without_a_type_is_refused() {
        for parse in [&b"\0SELECT $1\0\0\x01\0\0\0\0"[..], b"name\0SELECT 1\0\0\0"] {
            let mut exchange = Exchange { is_open: true, ..Exchange::default() };
            let messages = [message(b'P', parse), message(b'D', b"S\0"), SYNC.to_vec()].concat();
            exchange.take_from_sqlx(&messages).expect("messages");
            assert_eq!(tags(exchange.to_sqlx.rest()), "EZ");
        }
    }

    #[test]
    fn login_passes_unchanged() {
        let mut exchange = Exchange::default();
        exchange.take_from_sqlx(b"\0\0\0\x08user").expect("bytes");
        assert_eq!(exchange.to_server.rest(), b"\0\0\0\x08user");
        exchange.take_from_server(&answers("RSKZ")).expect("messages");
        assert_eq!(tags(exchange.to_sqlx.rest()), "RSKZ");
        assert!(exchange.is_open);
    }
}
