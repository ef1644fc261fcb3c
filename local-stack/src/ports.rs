//! Ports on the loopback address.

use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, TcpListener},
};

use anyhow::{Result, bail};

/// Below the range from which systems take the ports of outgoing connections: a service that is down for a
/// moment must find its port free again, and a client that dials a dead port of that range can reach itself.
const RANGE: std::ops::Range<u16> = 15_000..30_000;
/// More than enough: a machine uses few ports of the range.
const ATTEMPTS: u64 = 1_000;

/// Whether nobody listens on `port`.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nobody listens on, drawn by lot so that two runs at once seldom want the same.
pub fn free() -> Result<u16> {
    let lot = RandomState::new();
    let span = u64::from(RANGE.end - RANGE.start);
    for attempt in 0..ATTEMPTS {
        let port = RANGE.start + u16::try_from(lot.hash_one(attempt) % span)?;
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", RANGE.start, RANGE.end)
}
