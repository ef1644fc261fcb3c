//! PostgreSQL's own programs.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
};

use percent_encoding::percent_decode_str;
use tokio::process::Command;
use url::Url;

/// How many characters of what a program complains about are repeated.
const COMPLAINT: usize = 2000;

/// Where `pg_dump` and `pg_restore` are.
#[derive(Debug, Clone)]
pub struct Tools(PathBuf);

impl Tools {
    /// Those in `folder`.
    #[must_use]
    pub fn at(folder: &str) -> Self {
        Self(folder.into())
    }

    /// A program that knows nothing of our environment, and is killed when nobody waits for it any more.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.0.join(name));
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// The same on the database at `url`: in its environment, since everyone may read a command line.
    pub fn program_on(&self, name: &str, url: &str) -> anyhow::Result<Command> {
        let mut command = self.program(name);
        command.envs(environment(url)?);
        Ok(command)
    }

    /// What a program says its version is.
    pub async fn version(&self, name: &str) -> anyhow::Result<String> {
        let output = self.program(name).arg("--version").output().await;
        let output = output.map_err(|error| anyhow::anyhow!("{name} does not start: {error}"))?;
        ended(name, &output)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Fails with what the program said unless it ended well.
///
/// Only its own lines are repeated: below them PostgreSQL shows the row that it stumbled over.
pub fn ended(name: &str, output: &Output) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(&output.stderr);
    let own = text.lines().filter(|line| {
        // As it was called, which may be by its whole path.
        let program = line.split_once(": ").map(|(program, _)| program.rsplit('/').next());
        matches!(program, Some(Some("pg_dump" | "pg_restore")))
    });
    let complaint: String = own.collect::<Vec<_>>().join(" | ").chars().take(COMPLAINT).collect();
    anyhow::ensure!(output.status.success(), "{name} failed ({}): {complaint}", output.status);
    Ok(())
}

/// `url` as libpq's environment (PostgreSQL manual, 32.15).
fn environment(url: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    // The URL holds a password, so what is wrong with it is not repeated.
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
