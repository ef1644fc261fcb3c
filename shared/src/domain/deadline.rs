//! The time at which a job must have ended.

use std::time::Duration;

use tokio::time::Instant;

/// How long a command may take.
const COMMAND: Duration = Duration::from_hours(12);

/// When Lambda ends the instance. A command gives up by itself, half a day after it began.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// That of a command.
    #[must_use]
    pub fn far() -> Self {
        Self::after(COMMAND)
    }

    /// How long a job may still work, if it wants `reserve` for putting things in order.
    #[must_use]
    pub fn left(self, reserve: Duration) -> Duration {
        self.0.saturating_duration_since(Instant::now()).saturating_sub(reserve)
    }

    /// Whether no more than `reserve` is left.
    #[must_use]
    pub fn is_near(self, reserve: Duration) -> bool {
        self.left(reserve).is_zero()
    }
}
