//! Waiting for a state, never for a moment.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::Interrupt;

/// Between two looks: short against what a start takes, long against what a look costs.
const PAUSE: Duration = Duration::from_millis(20);

/// What a look found.
pub enum Look<T> {
    /// The state is there.
    Ready(T),
    /// Not yet, and what was seen instead.
    NotYet(String),
}

/// Looks until `look` finds the state, fails, or `bound` has passed.
pub fn until<T>(
    what: &str,
    bound: Duration,
    interrupt: &Interrupt,
    mut look: impl FnMut() -> Result<Look<T>>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        interrupt.check()?;
        match look()? {
            Look::Ready(found) => return Ok(found),
            Look::NotYet(seen) if begin.elapsed() > bound => {
                bail!("{what} was not ready after {} s: {}", bound.as_secs(), seen.trim())
            }
            Look::NotYet(_) => sleep(PAUSE),
        }
    }
}
