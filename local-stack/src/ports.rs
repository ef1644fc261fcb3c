//! Ports on the loopback address.

use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, TcpListener},
};

use anyhow::{Result, bail};

/// Below the range of ephemeral ports: a restarted service must find its port free, and a client that connects to an unused ephemeral
/// port can connect to itself.
const RANGE: std::ops::Range<u16> = 15_000..30_000;
/// More than enough: a machine uses few ports of the range.
const MAX_ATTEMPTS: u64 = 1_000;

/// Returns whether `port` is not in use.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Returns a random unused port. Random, so that two concurrent runs rarely choose the same one.
pub fn free() -> Result<u16> {
    let random = RandomState::new();
    let span = u64::from(RANGE.end - RANGE.start);
    for attempt in 0..MAX_ATTEMPTS {
        let port = RANGE.start + u16::try_from(random.hash_one(attempt) % span)?;
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", RANGE.start, RANGE.end)
}
