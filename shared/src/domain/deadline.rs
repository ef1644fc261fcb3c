//! The time at which a job must have ended.

use std::time::Duration;

use tokio::time::Instant;

/// The time that a command may take.
const COMMAND: Duration = Duration::from_hours(12);

/// The time at which Lambda ends the instance. For a command, [`COMMAND`] after it began.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Creates the deadline `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Creates the deadline of a command.
    #[must_use]
    pub fn far() -> Self {
        Self::after(COMMAND)
    }

    /// Returns the time left for work, if `reserve` is kept for the end.
    #[must_use]
    pub fn left(self, reserve: Duration) -> Duration {
        self.0.saturating_duration_since(Instant::now()).saturating_sub(reserve)
    }

    /// Returns whether no more than `reserve` is left.
    #[must_use]
    pub fn is_near(self, reserve: Duration) -> bool {
        self.left(reserve).is_zero()
    }
}
