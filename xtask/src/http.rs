//! One GET request, to see whether the API answers.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result};

/// The status that `GET http://<address><path>` answers with.
pub fn status(address: &str, path: &str, within: Duration) -> Result<u16> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
    stream.set_read_timeout(Some(within))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; b"HTTP/1.1 200".len()];
    stream.read_exact(&mut start).with_context(|| format!("{path} gave no answer"))?;
    let start = String::from_utf8_lossy(&start);
    start
        .rsplit(' ')
        .next()
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("{start:?} is no status"))
}
