//! PgBouncer in transaction mode, in place of the deployed proxy.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    Credentials, Interrupt, Packages, Postgres, Service, credentials,
    postgres::{API_ROLE, JANITOR_ROLE, SUPERUSER},
    process::StopSignal,
    unprivileged,
    wait::{self, Probe},
};

const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// The settings of a pooler.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for its configuration and its log.
    pub dir: PathBuf,
    /// The port on the loopback address.
    pub port: u16,
    /// Maximum connections to the server, per role and database.
    pub pool_size: u16,
    /// Connections that stay open when idle.
    pub min_pool_size: u16,
    /// Seconds after which other idle connections are closed.
    pub idle_seconds: u16,
    /// The files of a certificate and of its key, for clients that ask for TLS.
    pub tls: Option<[PathBuf; 2]>,
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
    /// Starts a pooler in front of `postgres`, for all its databases.
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
        unprivileged::change_owner(&users)?;
        for file in settings.tls.iter().flatten() {
            unprivileged::change_owner(file)?;
        }
        let file = settings.dir.join("pgbouncer.ini");
        credentials::write_private(&file, &configuration(&settings, postgres.port(), &users))?;
        unprivileged::change_owner(&file)?;

        let program = packages.pgbouncer.clone();
        let mut pooler = Self { settings, credentials: credentials.clone(), program, service: None };
        pooler.resume(interrupt)?;
        wait::until("PgBouncer", READY_TIMEOUT, interrupt, || pooler.probe(postgres.psql("postgres")))?;
        Ok(pooler)
    }

    /// Starts a stopped pooler.
    pub fn resume(&mut self, interrupt: &Interrupt) -> Result<()> {
        if self.service.is_none() {
            let mut command = unprivileged::command(&self.program);
            command.arg("--quiet").arg(self.settings.dir.join("pgbouncer.ini"));
            // Killed: it has no state, and after SIGTERM some versions wait for their clients.
            let service = Service::spawn("pgbouncer", &mut command, &self.settings.dir, StopSignal::Kill)?;
            let service = self.service.insert(service);
            wait::until("PgBouncer", READY_TIMEOUT, interrupt, || {
                service.check()?;
                let port = self.settings.port;
                Ok(if crate::ports::is_free(port) {
                    Probe::NotYet(format!("nothing listens on port {port}"))
                } else {
                    Probe::Ready(())
                })
            })?;
        }
        Ok(())
    }

    /// Stops the pooler and closes all connections through it.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Stops and starts the pooler.
    pub fn restart(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.stop();
        self.resume(interrupt)
    }

    /// Fails with the end of the log if the pooler has exited.
    pub fn check(&mut self) -> Result<()> {
        self.service.as_mut().map_or(Ok(()), Service::check)
    }

    /// Returns the URL of the API functions, without a database.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.credentials, self.settings.port)
    }

    /// Returns the URL of `retention`, without a database.
    #[must_use]
    pub fn janitor_url(&self) -> String {
        janitor_url(&self.credentials, self.settings.port)
    }

    /// Runs a query through the pooler.
    fn probe(&mut self, mut psql: Command) -> Result<Probe<()>> {
        self.check()?;
        psql.args(["--port", &self.settings.port.to_string(), "-c", "SELECT 1"]);
        let answer = psql.output().context("start psql")?;
        if answer.status.success() {
            return Ok(Probe::Ready(()));
        }
        Ok(Probe::NotYet(String::from_utf8_lossy(&answer.stderr).into_owned()))
    }
}

/// Returns the URL of `retention`, at the pooler on `port`, without a database.
pub(crate) fn janitor_url(credentials: &Credentials, port: u16) -> String {
    format!("postgresql://{JANITOR_ROLE}:{}@127.0.0.1:{port}", credentials.janitor)
}

/// Returns the URL of the API functions, at the pooler on `port`, without a database.
pub(crate) fn url(credentials: &Credentials, port: u16) -> String {
    format!("postgresql://{API_ROLE}:{}@127.0.0.1:{port}", credentials.api)
}

/// Returns the configuration: that of production where it applies here. `extra_float_digits` is deliberately not ignored: the
/// deployed proxy does not ignore it either, so the code must not send it.
fn configuration(settings: &Settings, postgres_port: u16, users: &Path) -> String {
    let Settings { port, pool_size, min_pool_size, idle_seconds, tls, .. } = settings;
    // Not `require`: the `psql` of the embedded PostgreSQL, which checks the pooler, is built without TLS.
    let tls = tls.as_ref().map_or_else(String::new, |[certificate, key]| {
        let (certificate, key) = (certificate.display(), key.display());
        format!(
            "client_tls_sslmode = allow\nclient_tls_cert_file = {certificate}\nclient_tls_key_file = {key}\n"
        )
    });
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
; Detect an outage, and recover from it, within seconds.
server_connect_timeout = 3
query_wait_timeout = 5
server_login_retry = 1
{tls}",
        users = users.display()
    )
}
