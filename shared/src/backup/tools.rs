//! Runs `pg_dump` and `pg_restore`.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
};

use percent_encoding::percent_decode_str;
use tokio::process::Command;
use url::Url;

/// The length of a program's error output in an error, in characters.
const MAX_ERROR_LEN: usize = 2000;

/// The folder of `pg_dump` and `pg_restore`.
#[derive(Debug, Clone)]
pub struct Tools(PathBuf);

impl Tools {
    #[must_use]
    pub fn at(folder: &str) -> Self {
        Self(folder.into())
    }

    /// Returns the command of a program. It does not inherit this process's environment, and is killed when its future is dropped.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.0.join(name));
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Like [`Self::program`], for the database at `url`. The URL is passed in the environment: other users can read a command line.
    pub fn program_on(&self, name: &str, url: &str) -> anyhow::Result<Command> {
        let mut command = self.program(name);
        command.envs(environment(url)?);
        Ok(command)
    }

    /// Runs a program with `--version` and returns its output.
    pub async fn version(&self, name: &str) -> anyhow::Result<String> {
        let output = self.program(name).arg("--version").output().await;
        let output = output.map_err(|error| anyhow::anyhow!("{name} does not start: {error}"))?;
        check_exit(name, &output)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Fails with the program's error output if it did not exit with success.
///
/// Repeats only lines of the program itself: PostgreSQL adds lines with the content of the failed row.
pub fn check_exit(name: &str, output: &Output) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(&output.stderr);
    let own = text.lines().filter(|line| {
        // The program may print its whole path.
        let program = line.split_once(": ").map(|(program, _)| program.rsplit('/').next());
        matches!(program, Some(Some("pg_dump" | "pg_restore")))
    });
    let reason: String = own.collect::<Vec<_>>().join(" | ").chars().take(MAX_ERROR_LEN).collect();
    anyhow::ensure!(output.status.success(), "{name} failed ({}): {reason}", output.status);
    Ok(())
}

/// Converts `url` to the environment variables of libpq (PostgreSQL manual, 32.15).
fn environment(url: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    // The URL contains a password, so the error does not repeat it.
    let url = Url::parse(url).map_err(|_| anyhow::anyhow!("DATABASE_URL is not a URL"))?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut variables = vec![
        ("PGHOST", url.host_str().unwrap_or_default().to_owned()),
        ("PGPORT", url.port().unwrap_or(5432).to_string()),
        ("PGUSER", decoded(url.username())),
        ("PGPASSWORD", decoded(url.password().unwrap_or_default())),
        ("PGDATABASE", decoded(url.path().trim_start_matches('/'))),
        ("PGAPPNAME", "arches".to_owned()),
        ("PGCONNECT_TIMEOUT", "10".to_owned()),
    ];
    let parameter =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    variables.extend(parameter("sslmode").map(|mode| ("PGSSLMODE", mode)));
    variables.extend(parameter("sslrootcert").map(|path| ("PGSSLROOTCERT", path)));
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_libpqs_environment() {
        let url =
            "postgresql://ada:p%40ss@db.example:5433/arches?sslmode=verify-full&sslrootcert=/opt/ca.pem";
        let environment = environment(url).expect("a URL");
        for expected in [
            ("PGHOST", "db.example"),
            ("PGPORT", "5433"),
            ("PGUSER", "ada"),
            ("PGPASSWORD", "p@ss"),
            ("PGDATABASE", "arches"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/opt/ca.pem"),
        ] {
            assert!(environment.contains(&(expected.0, expected.1.to_owned())), "{expected:?}");
        }
    }
}
