//! PgBouncer in transaction mode, which stands for the deployed proxy.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    Credentials, Interrupt, Packages, Postgres, Service, credentials,
    postgres::{API_ROLE, JANITOR_ROLE, SUPERUSER},
    process::Ending,
    unprivileged,
    wait::{self, Look},
};

const READY_WITHIN: Duration = Duration::from_secs(20);

/// How a pooler is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for its configuration and its log.
    pub dir: PathBuf,
    /// The port on the loopback address.
    pub port: u16,
    /// Connections to the server per role and database.
    pub pool_size: u16,
    /// Connections kept open when nobody uses them.
    pub min_pool_size: u16,
    /// Seconds after which an unused connection beyond those is closed.
    pub idle_seconds: u16,
}

/// A pooler, running or stopped.
#[derive(Debug)]
pub struct PgBouncer {
    settings: Settings,
    credentials: Credentials,
    program: PathBuf,
    service: Option<Service>,
}

impl PgBouncer {
    /// Starts a pooler in front of `postgres`, for every database of it.
    pub fn start(
        packages: &Packages,
        settings: Settings,
        postgres: &Postgres,
        credentials: &Credentials,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let users = settings.dir.join("pgbouncer.users");
        let Credentials { postgres: superuser, api, janitor, .. } = credentials;
        let accounts = [(SUPERUSER, superuser), (API_ROLE, api), (JANITOR_ROLE, janitor)];
        let accounts = accounts.map(|(role, password)| format!("\"{role}\" \"{password}\"\n")).concat();
        credentials::write_private(&users, &accounts)?;
        unprivileged::give(&users)?;
        let file = settings.dir.join("pgbouncer.ini");
        credentials::write_private(&file, &configuration(&settings, postgres.port(), &users))?;
        unprivileged::give(&file)?;

        let program = packages.pgbouncer.clone();
        let mut pooler = Self { settings, credentials: credentials.clone(), program, service: None };
        pooler.resume(interrupt)?;
        wait::until("PgBouncer", READY_WITHIN, interrupt, || pooler.look(postgres.psql("postgres")))?;
        Ok(pooler)
    }

    /// Starts a stopped pooler.
    pub fn resume(&mut self, interrupt: &Interrupt) -> Result<()> {
        if self.service.is_none() {
            let mut command = unprivileged::command(&self.program);
            command.arg("--quiet").arg(self.settings.dir.join("pgbouncer.ini"));
            // It keeps nothing, and whether SIGTERM waits for clients differs between its versions.
            let service = Service::spawn("pgbouncer", &mut command, &self.settings.dir, Ending::Kill)?;
            let service = self.service.insert(service);
            wait::until("PgBouncer", READY_WITHIN, interrupt, || {
                service.check()?;
                let port = self.settings.port;
                Ok(if crate::ports::is_free(port) {
                    Look::NotYet(format!("port {port} is silent"))
                } else {
                    Look::Ready(())
                })
            })?;
        }
        Ok(())
    }

    /// Stops the pooler, and with it every connection through it.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Stops and starts.
    pub fn restart(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.stop();
        self.resume(interrupt)
    }

    /// Fails with the end of the log if the pooler has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.service.as_mut().map_or(Ok(()), Service::check)
    }

    /// The address for the functions, without a database.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.credentials, self.settings.port)
    }

    /// The address for `retention`, without a database.
    #[must_use]
    pub fn janitor_url(&self) -> String {
        janitor_url(&self.credentials, self.settings.port)
    }

    /// Asks the database something through the pooler.
    fn look(&mut self, mut psql: Command) -> Result<Look<()>> {
        self.check()?;
        psql.args(["--port", &self.settings.port.to_string(), "-c", "SELECT 1"]);
        let answer = psql.output().context("start psql")?;
        if answer.status.success() {
            return Ok(Look::Ready(()));
        }
        Ok(Look::NotYet(String::from_utf8_lossy(&answer.stderr).into_owned()))
    }
}

/// The address for `retention` of the pooler at `port`, without a database.
pub(crate) fn janitor_url(credentials: &Credentials, port: u16) -> String {
    format!("postgresql://{JANITOR_ROLE}:{}@127.0.0.1:{port}", credentials.janitor)
}

/// The address for the functions of the pooler at `port`, without a database.
pub(crate) fn url(credentials: &Credentials, port: u16) -> String {
    format!("postgresql://{API_ROLE}:{}@127.0.0.1:{port}", credentials.api)
}

/// The settings of production where they have a meaning here. `extra_float_digits` is deliberately not ignored:
/// the deployed proxy does not either, and the code must not send it.
fn configuration(settings: &Settings, postgres_port: u16, users: &Path) -> String {
    let Settings { port, pool_size, min_pool_size, idle_seconds, .. } = settings;
    format!(
        "[databases]
* = host=127.0.0.1 port={postgres_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = {SUPERUSER}
pool_mode = transaction
max_client_conn = 1000
default_pool_size = {pool_size}
min_pool_size = {min_pool_size}
reserve_pool_size = 5
reserve_pool_timeout = 3
server_lifetime = 3600
server_idle_timeout = {idle_seconds}
; An outage is noticed and survived within seconds.
server_connect_timeout = 3
query_wait_timeout = 5
server_login_retry = 1
",
        users = users.display()
    )
}
