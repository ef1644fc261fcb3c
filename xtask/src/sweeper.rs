//! The sweeper of `cargo xtask dev`: runs `retention` every two minutes, as its second schedule does in AWS.

use std::{
    process::Stdio,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::Result;
use local_stack::{Stack, environment::set_variables, service};

use crate::project::{Profile, Project};

const INTERVAL: Duration = Duration::from_mins(2);
/// The event of the schedule.
const EVENT: &str = r#"{"command": "sweep"}"#;

/// Runs until it is dropped.
pub struct Sweeper {
    _stop: mpsc::Sender<()>,
}

impl Sweeper {
    /// Starts a thread. Its log is `.dev/logs/sweeper.log`.
    ///
    /// As a command and not as a function of `cargo lambda watch`, which has one environment for all functions: the role of `retention`
    /// in the database is its own.
    pub fn start(project: &Project, profile: Profile, stack: &Stack) -> Result<Self> {
        let path = project.log("sweeper");
        let _not_there = std::fs::remove_file(&path);
        let log = service::open_log(&path)?;
        let mut retention = project.command(project.function("retention", profile)?);
        set_variables(retention.arg(EVENT), &stack.retention_environment()?);
        retention.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let (stop, stopped) = mpsc::channel();
        thread::spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // The log has what went wrong. The next run is in two minutes.
                let _in_the_log = retention.status();
            }
        });
        Ok(Self { _stop: stop })
    }
}
