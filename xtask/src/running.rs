//! The local system of this checkout: which command runs it, and where other commands find its services.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use local_stack::{Stack, write_private};
use serde_json::{Value, json};

/// The lock of the command that runs the services. Its record has the addresses.
const LOCK: &str = "lock";
const RECORD: &str = "running.json";

/// Held by the command that runs the services.
pub struct Running {
    _lock: File,
    record: PathBuf,
}

impl Running {
    /// Locks `.dev` for `command`. Fails if another command has it.
    pub fn begin(dev: &Path, command: &str) -> Result<Self> {
        fs::create_dir_all(dev).with_context(|| format!("create {}", dev.display()))?;
        let path = dev.join(LOCK);
        let mut file =
            File::options().create(true).truncate(false).write(true).open(&path).context("open .dev/lock")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let Owner { command, pid } = owner(dev).unwrap_or_default();
                bail!(
                    "`cargo xtask {command}` already runs in this checkout (process {pid}). Stop that process first."
                )
            }
            Err(TryLockError::Error(error)) => return Err(error).context("lock .dev/lock"),
        }
        let record = dev.join(RECORD);
        let _of_a_killed_run = fs::remove_file(&record);
        file.set_len(0)
            .and_then(|()| writeln!(file, "{} {command}", std::process::id()))
            .context("write .dev/lock")?;
        Ok(Self { _lock: file, record })
    }

    /// Records where the services are.
    pub fn publish(&self, stack: &Stack) -> Result<()> {
        let environment: BTreeMap<_, _> = stack.environment()?.into_iter().collect();
        let postgres = stack.postgres().map(local_stack::Postgres::port);
        let record = json!({ "postgres": postgres, "environment": environment });
        write_private(&self.record, &record.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.record);
    }
}

/// The command that has locked `.dev`.
#[derive(Debug, Default)]
pub struct Owner {
    pub command: String,
    pub pid: u32,
}

/// Returns the command that runs the services in `dev`. `None` if none does.
pub fn owner(dev: &Path) -> Option<Owner> {
    let path = dev.join(LOCK);
    let lock = File::open(&path).ok()?;
    if lock.try_lock_shared().is_ok() {
        return None;
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    let (pid, command) = text.trim().split_once(' ').unwrap_or((text.trim(), "dev"));
    Some(Owner { command: command.to_owned(), pid: pid.parse().unwrap_or_default() })
}

/// The addresses of the running services.
pub struct Addresses(Value);

impl Addresses {
    /// Reads the record of the command that runs them. Fails with the command to start them.
    pub fn find(dev: &Path) -> Result<Self> {
        let Some(Owner { command, .. }) = owner(dev) else {
            bail!("Nothing runs in this checkout. Start it with: cargo xtask dev");
        };
        let Ok(text) = fs::read_to_string(dev.join(RECORD)) else {
            bail!("`cargo xtask {command}` is starting. Try again when it has printed its addresses.");
        };
        Ok(Self(serde_json::from_str(&text).with_context(|| format!("parse .dev/{RECORD}"))?))
    }

    /// Returns the environment of the functions.
    pub fn environment(&self) -> Vec<(&str, String)> {
        let variables = self.0["environment"].as_object().into_iter().flatten();
        variables
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default().to_owned()))
            .collect()
    }

    /// Returns the port of the embedded PostgreSQL. `None` if the user's own database is used.
    pub fn postgres(&self) -> Option<u16> {
        self.0["postgres"].as_u64().and_then(|port| port.try_into().ok())
    }
}

#[cfg(test)]
mod tests {
    use local_stack::Scratch;

    use super::*;

    #[test]
    fn second_command_is_refused_and_says_which_one_runs() {
        let scratch = Scratch::create().expect("a folder");
        let dev = scratch.path().join("dev");
        let running = Running::begin(&dev, "services").expect("the first");
        let error = Running::begin(&dev, "dev").err().expect("a refusal").to_string();
        assert!(error.contains("`cargo xtask services` already runs"), "{error}");
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(running);
        Running::begin(&dev, "dev").expect("another one, after the first has ended");
    }

    #[test]
    fn without_services_the_error_has_the_command_that_starts_them() {
        let scratch = Scratch::create().expect("a folder");
        let dev = scratch.path().join("dev");
        let error = || Addresses::find(&dev).err().expect("an error").to_string();
        assert_eq!(error(), "Nothing runs in this checkout. Start it with: cargo xtask dev");
        let running = Running::begin(&dev, "dev").expect("a command");
        assert!(error().starts_with("`cargo xtask dev` is starting."));
        fs::write(&running.record, r#"{"postgres":9001,"environment":{"A":"b"}}"#).expect("a record");
        let found = Addresses::find(&dev).expect("a record");
        assert_eq!((found.postgres(), found.environment()), (Some(9001), vec![("A", "b".to_owned())]));
    }
}
