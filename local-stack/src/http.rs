//! POST requests with JSON, to the AWS stand-ins and to the functions.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Sends `body` to `http://<address><path>` and returns the response. Fails unless its status is 200.
///
/// As HTTP/1.0, so that the response ends with the connection and is not sent in chunks.
pub fn post(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
    timeout: Duration,
) -> Result<Value> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
    stream.set_read_timeout(Some(timeout))?;
    let body = body.to_string();
    write!(stream, "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n", body.len())?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "\r\n{body}")?;
    let mut response = String::new();
    stream.read_to_string(&mut response).with_context(|| format!("no response from {path}"))?;
    let (head, body) = response.split_once("\r\n\r\n").context("the response has no body")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status == "200", "{path} answered {status}: {body}");
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(body).with_context(|| format!("parse the response of {path}"))
}
