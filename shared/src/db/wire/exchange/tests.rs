//! The states of the conversation, without a server.

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

/// Returns an exchange that has sent its first statement, and keeps the second one.
fn deferring() -> Exchange {
    let mut exchange = sent(true, false);
    exchange.to_server = Outgoing::default();
    exchange.take_from_server(&answers("12C1tT2DC3Z")).expect("messages");
    exchange.to_sqlx = Outgoing::default();
    exchange.defer();
    exchange.take_from_sqlx(&described("INSERT")).expect("messages");
    exchange.take_from_sqlx(&executed()).expect("messages");
    assert!(exchange.to_server.rest().is_empty());
    // The answers to Describe, then BindComplete, CommandComplete, ReadyForQuery.
    assert_eq!(tags(exchange.to_sqlx.rest()), "1tnZ2CZ");
    exchange.to_sqlx = Outgoing::default();
    exchange
}

fn query(sql: &str) -> Vec<u8> {
    message(b'Q', format!("{sql}\0").as_bytes())
}

#[test]
fn deferred_statement_is_sent_with_the_next_one_and_one_sync() {
    let mut exchange = deferring();
    exchange.take_from_sqlx(&described("SELECT 2")).expect("messages");
    exchange.to_sqlx = Outgoing::default();
    exchange.take_from_sqlx(&executed()).expect("messages");
    assert_eq!(tags(exchange.to_server.rest()), "PDBEPDBECS");
    exchange.take_from_server(&answers("1tn2C1tT2DC3Z")).expect("messages");
    assert_eq!(tags(exchange.to_sqlx.rest()), "1tT2DC3Z");
}

#[test]
fn deferred_statements_are_sent_with_commit_and_never_with_rollback() {
    let mut exchange = deferring();
    exchange.take_from_sqlx(&query("COMMIT")).expect("a message");
    // A simple query would be skipped after an error.
    assert_eq!(tags(exchange.to_server.rest()), "PDBEPBES");
    exchange.take_from_server(&answers("1tn2C12CZ")).expect("messages");
    assert_eq!(tags(exchange.to_sqlx.rest()), "12CZ");

    let mut exchange = deferring();
    exchange.take_from_sqlx(&query("ROLLBACK")).expect("a message");
    assert_eq!(tags(exchange.to_server.rest()), "Q");
}

#[test]
fn failure_of_a_deferred_statement_is_that_of_the_later_one() {
    let mut exchange = deferring();
    exchange.take_from_sqlx(&query("COMMIT")).expect("a message");
    exchange.take_from_server(&answers("1tn2EZ")).expect("messages");
    assert_eq!(tags(exchange.to_sqlx.rest()), "EZ");
}

#[test]
fn deferred_statements_of_an_abandoned_transaction_are_never_sent() {
    let mut exchange = deferring();
    exchange.begin(true);
    exchange.take_from_sqlx(&described("SELECT 1")).expect("messages");
    exchange.take_from_sqlx(&executed()).expect("messages");
    assert_eq!(tags(exchange.to_server.rest()), "PBEHPDBECS");
}

#[test]
fn first_statement_is_never_deferred() {
    let mut exchange = Exchange { is_open: true, ..Exchange::default() };
    exchange.begin(true);
    exchange.defer();
    exchange.take_from_sqlx(&described("INSERT")).expect("messages");
    exchange.take_from_sqlx(&executed()).expect("messages");
    assert_eq!(tags(exchange.to_server.rest()), "PBEHPDBECS");
}
