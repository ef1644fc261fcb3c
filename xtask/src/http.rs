//! A GET request, to check that the API responds.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result};

/// Returns the status of `GET http://<address><path>`.
pub fn status(address: &str, path: &str, timeout: Duration) -> Result<u16> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
    stream.set_read_timeout(Some(timeout))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; b"HTTP/1.1 200".len()];
    stream.read_exact(&mut start).with_context(|| format!("no response from {path}"))?;
    let start = String::from_utf8_lossy(&start);
    start
        .rsplit(' ')
        .next()
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("{start:?} has no status"))
}
