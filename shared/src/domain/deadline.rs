//! The deadline of a job.

use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a job that runs as a command.
const COMMAND_TIMEOUT: Duration = Duration::from_hours(12);

/// The time at which Lambda ends the instance.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Returns the deadline of a command: 12 hours from now.
    #[must_use]
    pub fn far() -> Self {
        Self::after(COMMAND_TIMEOUT)
    }

    /// Returns how long a job may still work if it needs `reserve` to clean up.
    #[must_use]
    pub fn left(self, reserve: Duration) -> Duration {
        self.0.saturating_duration_since(Instant::now()).saturating_sub(reserve)
    }

    /// Checks whether only `reserve` or less is left.
    #[must_use]
    pub fn is_reached(self, reserve: Duration) -> bool {
        self.left(reserve).is_zero()
    }
}
