//! The conversation between sqlx and the server. Pure: bytes in, bytes out.

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, io, iter, mem};

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
    /// Whether the next statement is kept until the one after it.
    defers: bool,
    /// Complete statements that are sent with the next one, and their number.
    deferred: Vec<u8>,
    deferred_count: usize,
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
    /// Of a statement whose success sqlx was told already.
    Deferred,
    Statement,
    Commit,
}

impl Exchange {
    /// Begins a transaction: BEGIN is sent with the first statement.
    pub(super) fn begin(&mut self, is_repeatable: bool) {
        (self.begin, self.commit) = (Begin::Unsent("BEGIN"), Commit::Separate);
        self.is_repeatable = is_repeatable;
        self.defers = false;
        self.drop_deferred();
    }

    /// Sends the next statement together with the one after it, or with COMMIT. Until then it counts as successful.
    ///
    /// Not the first one of the transaction: it may be sent again on another connection.
    pub(super) fn defer(&mut self) {
        self.defers = !self.is_unsent();
    }

    fn drop_deferred(&mut self) {
        self.deferred.clear();
        self.deferred_count = 0;
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
            b'S' if mem::take(&mut self.defers) => self.keep()?,
            b'S' => self.send(&[], SYNC),
            // A simple query: COMMIT and ROLLBACK.
            b'Q' => {
                self.held.clear();
                if body == b"ROLLBACK\0" {
                    self.drop_deferred();
                }
                if self.deferred.is_empty() {
                    self.send(whole, &[]);
                } else {
                    // After an error the server skips everything before Sync, also a simple query.
                    self.held = statement("COMMIT");
                    self.send(&[], SYNC);
                }
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
            _ if matches!(self.commit, Commit::Unanswered | Commit::Done) => {
                refusal("a statement follows the last one of the transaction")
            }
            None => refusal("a statement is named, or the type of a parameter is not known"),
            Some(types) => [message(b'1', &[]), message(b't', types), message(b'n', &[])].concat(),
        };
        self.to_sqlx.push(&answer);
        self.to_sqlx.push(READY);
        Ok(())
    }

    /// Keeps a statement, and tells sqlx that it inserted a row.
    fn keep(&mut self) -> io::Result<()> {
        let held = mem::take(&mut self.held);
        each(held, |Message { tag, whole, .. }| {
            // Its portal needs no Close: the next Bind replaces it.
            if tag != b'C' {
                self.deferred.extend_from_slice(whole);
            }
            Ok(())
        })?;
        self.deferred_count += 1;
        self.to_sqlx.push(&[message(b'2', &[]), message(b'C', b"INSERT 0 1\0"), READY.to_vec()].concat());
        Ok(())
    }

    /// Sends `[BEGIN] [deferred statements] statement [COMMIT] Sync` as one.
    fn send(&mut self, query: &[u8], end: &[u8]) {
        if let Begin::Unsent(begin) = self.begin {
            self.to_server.push(&statement(begin));
            // The server answers BEGIN at once, so a dead connection is noticed long before a slow statement ends.
            self.to_server.push(FLUSH);
            self.expected.push_back(Answer::Begin);
            self.begin = Begin::Unanswered;
        }
        self.to_server.bytes.append(&mut self.deferred);
        self.expected.extend(iter::repeat_n(Answer::Deferred, mem::take(&mut self.deferred_count)));
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
            (Some(Answer::Deferred), b'C') => {
                self.expected.pop_front();
            }
            (Some(Answer::Commit), b'C') if body == b"COMMIT\0" => {
                self.expected.pop_front();
                self.commit = Commit::Done;
            }
            (Some(Answer::Commit), b'C') => return Err(invalid("COMMIT did not commit")),
            // sqlx did not ask for these. (CloseComplete of the statement comes after its CommandComplete.)
            (Some(Answer::Begin | Answer::Commit), b'1' | b'2' | b'3')
            | (Some(Answer::Deferred), b'1' | b'2' | b't' | b'n') => {}
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
