//! Messages of PostgreSQL's protocol (manual, "Message Formats"): a tag, a length that counts itself, a body.

use std::io;

/// Bytes of the tag and of the length.
const HEADER: usize = 5;

/// A complete message.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
    /// With the tag and the length.
    pub(super) whole: &'a [u8],
}

/// Splits the first message from the rest. Returns `None` if `bytes` does not contain all of it.
pub(super) fn split(bytes: &[u8]) -> io::Result<Option<(Message<'_>, &[u8])>> {
    let Some((&[tag, a, b, c, d], _)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = u32::from_be_bytes([a, b, c, d]) as usize + 1;
    if length < HEADER {
        return Err(invalid("a message is shorter than its header"));
    }
    let Some((whole, rest)) = bytes.split_at_checked(length) else { return Ok(None) };
    Ok(Some((Message { tag, body: &whole[HEADER..], whole }, rest)))
}

/// Returns a message.
pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + HEADER - 1).unwrap_or(u32::MAX);
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// Returns Parse, Bind and Execute of a statement that has neither parameters nor rows.
pub(super) fn statement(sql: &str) -> Vec<u8> {
    let parse = message(b'P', &[b"\0", sql.as_bytes(), b"\0", &[0; 2]].concat());
    // Names are empty, all counts are 0, and there is no limit of rows.
    [parse, message(b'B', &[0; 8]), message(b'E', &[0; 5])].concat()
}

/// Returns the number and the types of the parameters of an unnamed Parse, as `ParameterDescription` has them.
///
/// `None` if the statement is named, or if a type is unspecified (0): then only the server knows it.
pub(super) fn parameter_types(parse: &[u8]) -> Option<&[u8]> {
    let unnamed = parse.strip_prefix(b"\0")?;
    let end = unnamed.iter().position(|byte| *byte == 0)?;
    let types = &unnamed[end + 1..];
    types.get(2..)?.chunks(4).all(|oid| oid != [0; 4]).then_some(types)
}

/// Returns an `ErrorResponse` with SQLSTATE `feature_not_supported`.
pub(super) fn refusal(text: &str) -> Vec<u8> {
    message(b'E', format!("SERROR\0VERROR\0C0A000\0M{text}\0\0").as_bytes())
}

/// Checks whether an `ErrorResponse` ends the connection.
pub(super) fn is_fatal(error: &[u8]) -> bool {
    error.split(|byte| *byte == 0).any(|field| field == b"VFATAL" || field == b"VPANIC")
}

pub(super) fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use postgres_protocol::message::frontend;

    use super::*;

    /// Returns an empty buffer of the library's type.
    fn empty<B: Default>() -> B {
        B::default()
    }

    #[test]
    fn messages_are_those_of_the_protocol() {
        let mut expected = empty();
        frontend::parse("", "COMMIT", [], &mut expected).expect("a message");
        let bound = frontend::bind("", "", [], [(); 0], |(), _| unreachable!(), [], &mut expected);
        assert!(bound.is_ok());
        frontend::execute("", 0, &mut expected).expect("a message");
        assert_eq!(statement("COMMIT"), expected.to_vec());
    }

    #[test]
    fn message_is_complete_or_not_taken() {
        let two = [message(b'P', b"abc"), message(b'S', b"")].concat();
        for length in 0..8 {
            assert!(split(&two[..length]).expect("no error").is_none(), "{length}");
        }
        let (first, rest) = split(&two).expect("no error").expect("a message");
        assert_eq!((first.tag, first.body, first.whole.len(), rest), (b'P', &b"abc"[..], 8, &two[8..]));
        assert!(split(&[b'P', 0, 0, 0, 3, 0]).is_err());
    }
}
