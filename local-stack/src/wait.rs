//! Waits for a condition, never for a fixed time.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::Interrupt;

/// Time between two probes: short compared with a start, long compared with a probe.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);

/// The result of a probe.
pub enum Probe<T> {
    Ready(T),
    /// Has the reason, for the error after a timeout.
    NotYet(String),
}

/// Calls `probe` until it is ready or fails. Fails after `timeout`.
pub fn until<T>(
    what: &str,
    timeout: Duration,
    interrupt: &Interrupt,
    mut probe: impl FnMut() -> Result<Probe<T>>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        interrupt.check()?;
        match probe()? {
            Probe::Ready(value) => return Ok(value),
            Probe::NotYet(reason) if begin.elapsed() > timeout => {
                bail!("{what} was not ready after {} s: {}", timeout.as_secs(), reason.trim())
            }
            Probe::NotYet(_) => sleep(PROBE_INTERVAL),
        }
    }
}
