//! Messages of PostgreSQL's protocol, as far as the trial reads and changes them (manual, "Message Formats"). No I/O but the reader's.

use std::io::{self, Read};

/// Asks for TLS or GSSAPI encryption.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];
/// Cancels the statement of another connection.
const CANCEL: u32 = 80_877_102;

/// What a client says before its connection has started.
pub enum Start {
    /// May it encrypt?
    Encryption,
    Cancel(Vec<u8>),
    /// The connection begins, on a database.
    Startup {
        message: Vec<u8>,
        database: String,
    },
}

/// Reads a message that has no type.
pub fn read_start(from: &mut impl Read) -> io::Result<Start> {
    let mut message = vec![0; 4];
    from.read_exact(&mut message)?;
    extend(from, &mut message)?;
    let code = message.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
    Ok(match code {
        Some(code) if ENCRYPTION.contains(&code) => Start::Encryption,
        Some(CANCEL) => Start::Cancel(message),
        _ => {
            let mut words = message.get(8..).unwrap_or_default().split(|byte| *byte == 0);
            let mut database = String::new();
            while let (Some(name), Some(value)) = (words.next(), words.next()) {
                if name == b"database" {
                    database = String::from_utf8_lossy(value).into_owned();
                }
            }
            Start::Startup { message, database }
        }
    })
}

/// Reads a message: its type, its length, its content.
pub fn read(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 5];
    from.read_exact(&mut message)?;
    extend(from, &mut message)?;
    Ok(message)
}

/// Reads the rest of a message whose last four bytes are its length, which counts itself.
fn extend(from: &mut impl Read, message: &mut Vec<u8>) -> io::Result<()> {
    let head = message.len();
    let length: [u8; 4] = message[head - 4..].try_into().map_err(io::Error::other)?;
    let rest = (u32::from_be_bytes(length) as usize).checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
    message.resize(head + rest, 0);
    from.read_exact(&mut message[head..])
}

/// Returns the statement of a `Parse` message.
#[must_use]
pub fn statement(message: &[u8]) -> Option<&str> {
    let (b'P', rest) = message.split_first().map(|(kind, rest)| (*kind, rest))? else { return None };
    let mut texts = rest.get(4..)?.split(|byte| *byte == 0);
    let _name = texts.next()?;
    std::str::from_utf8(texts.next()?).ok()
}

/// Returns a `Parse` message with another statement.
#[must_use]
pub fn with_statement(message: &[u8], sql: &str) -> Option<Vec<u8>> {
    let old = statement(message)?;
    let name = message.get(5..)?.iter().position(|byte| *byte == 0)?;
    let begin = 5 + name + 1;
    let mut changed = message[..begin].to_vec();
    changed.extend(sql.as_bytes());
    changed.extend(&message[begin + old.len()..]);
    let length = u32::try_from(changed.len() - 1).ok()?;
    changed[1..5].copy_from_slice(&length.to_be_bytes());
    Some(changed)
}

/// Returns SQLSTATE and text of an `ErrorResponse`.
#[must_use]
pub fn error(message: &[u8]) -> Option<(String, String)> {
    if message.first() != Some(&b'E') {
        return None;
    }
    let field = |kind: u8| {
        let mut fields = message.get(5..)?.split(|byte| *byte == 0);
        let field = fields.find(|field| field.first() == Some(&kind))?;
        Some(String::from_utf8_lossy(&field[1..]).into_owned())
    };
    Some((field(b'C')?, field(b'M')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARSE: &[u8] = b"P\0\0\0\x14s1\0SELECT 1\0\0\x01\0\0\x0b\x86";

    #[test]
    fn a_statement_is_replaced_and_the_length_follows() {
        let mut message = PARSE.to_vec();
        message[4] = u8::try_from(PARSE.len() - 1).expect("short");
        assert_eq!(statement(&message), Some("SELECT 1"));

        let changed = with_statement(&message, "SELECT 1 WHERE true").expect("a statement");

        assert_eq!(statement(&changed), Some("SELECT 1 WHERE true"));
        assert!(changed.ends_with(b"\0\0\x01\0\0\x0b\x86"));
        assert_eq!(read(&mut &*changed).expect("one message"), changed);
        assert_eq!(statement(b"Q\0\0\0\x0bCOMMIT\0"), None);
    }

    #[test]
    fn messages_are_read_one_by_one_whatever_the_packets() {
        let stream = [b"Q\0\0\0\x0aBEGIN\0".as_slice(), b"S\0\0\0\x04"].concat();
        let mut rest = &*stream;
        assert_eq!(read(&mut rest).expect("a query"), b"Q\0\0\0\x0aBEGIN\0");
        assert_eq!(read(&mut rest).expect("a sync"), b"S\0\0\0\x04");
        assert!(read(&mut rest).is_err());
    }

    #[test]
    fn the_start_of_a_connection_names_its_database() {
        let body = b"\0\x03\0\0user\0arches_api\0database\0test_1\0\0";
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        let Start::Startup { database, .. } =
            read_start(&mut &*[&length[..], body].concat()).expect("a start")
        else {
            panic!("not a start");
        };
        assert_eq!(database, "test_1");
        let tls = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
        assert!(matches!(read_start(&mut &tls[..]), Ok(Start::Encryption)));
    }

    #[test]
    fn an_error_has_its_code_and_its_text() {
        let message = b"E\0\0\0\x20SERROR\0C42601\0Msyntax\0\0";
        assert_eq!(error(message), Some(("42601".to_owned(), "syntax".to_owned())));
    }
}
