//! Ports on the loopback address.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, TcpListener},
    process::Command,
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

/// Returns the id of a process that listens on `port`. `None` if it cannot be seen: other users' processes are hidden.
#[must_use]
pub fn owner(port: u16) -> Option<u32> {
    if cfg!(target_os = "linux") { owner_in_proc(port) } else { owner_by_lsof(port) }
}

/// After proc(5): `/proc/net/tcp` has the sockets, and the folder `fd` of a process links to those that it has open.
fn owner_in_proc(port: u16) -> Option<u32> {
    const LISTENS: &str = "0A";
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let sockets: Vec<String> = tables
        .iter()
        .flat_map(|table| table.lines().skip(1))
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (address, state) = (fields.nth(1)?, fields.nth(1)?);
            let (_, hexadecimal) = address.rsplit_once(':')?;
            let listens = u16::from_str_radix(hexadecimal, 16) == Ok(port) && state == LISTENS;
            if listens { Some(format!("socket:[{}]", fields.nth(5)?)) } else { None }
        })
        .collect();
    let has_it_open = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|file| fs::read_link(file.path()).ok())
            .any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(has_it_open)
}

fn owner_by_lsof(port: u16) -> Option<u32> {
    let mut lsof = Command::new("lsof");
    let output = lsof.args(["-nP", "-t", &format!("-iTCP:{port}"), "-sTCP:LISTEN"]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_of_a_port_is_the_process_that_listens() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert_eq!(owner(port), Some(std::process::id()));
        drop(listener);
        assert_eq!(owner(port), None);
    }
}
