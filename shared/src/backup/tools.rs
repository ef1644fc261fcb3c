//! PostgreSQL's own programs.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
};

use percent_encoding::percent_decode_str;
use tokio::process::Command;
use url::Url;

/// The number of characters of a program's error output that are repeated.
const MAX_OUTPUT_CHARS: usize = 2000;

/// The folder of `pg_dump` and `pg_restore`.
#[derive(Debug, Clone)]
pub struct Tools(PathBuf);

impl Tools {
    #[must_use]
    pub fn at(folder: &str) -> Self {
        Self(folder.into())
    }

    /// Prepares a program. It gets no variable of this process, and is killed when its future is dropped.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.0.join(name));
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Prepares a program for the database at `url`. The URL goes into its environment, because every user can read a command line.
    pub fn program_on(&self, name: &str, url: &str) -> anyhow::Result<Command> {
        let mut command = self.program(name);
        command.envs(environment(url)?);
        Ok(command)
    }

    /// Returns the version that a program prints.
    pub async fn version(&self, name: &str) -> anyhow::Result<String> {
        let output = self.program(name).arg("--version").output().await;
        let output = output.map_err(|error| anyhow::anyhow!("{name} does not start: {error}"))?;
        ended(name, &output)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Fails with the program's own messages unless it succeeded.
///
/// Only lines that begin with the program's name are repeated: the lines below them may contain a row of the database.
pub fn ended(name: &str, output: &Output) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(&output.stderr);
    let own = text.lines().filter(|line| {
        // The program may have been called by its whole path.
        let program = line.split_once(": ").map(|(program, _)| program.rsplit('/').next());
        matches!(program, Some(Some("pg_dump" | "pg_restore")))
    });
    let complaint: String = own.collect::<Vec<_>>().join(" | ").chars().take(MAX_OUTPUT_CHARS).collect();
    anyhow::ensure!(output.status.success(), "{name} failed ({}): {complaint}", output.status);
    Ok(())
}

/// Converts `url` to libpq's environment variables (PostgreSQL manual, 32.15).
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
