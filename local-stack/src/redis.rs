//! Redis.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    Credentials, Interrupt, Packages, Service, credentials,
    process::StopSignal,
    wait::{self, Probe},
};

const READY_TIMEOUT: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The settings of a Redis.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for its data and its log.
    pub dir: PathBuf,
    /// The port on the loopback address.
    pub port: u16,
    /// Whether its data survives a restart.
    pub durable: bool,
}

/// A Redis, running or stopped.
#[derive(Debug)]
pub struct Redis {
    settings: Settings,
    credentials: Credentials,
    program: PathBuf,
    service: Option<Service>,
}

impl Redis {
    /// Starts it and waits until it answers.
    pub fn start(
        packages: &Packages,
        settings: Settings,
        credentials: &Credentials,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let data = settings.dir.join("redis");
        fs::create_dir_all(&data).with_context(|| format!("create {}", data.display()))?;
        // Never evict: without its counter of failed attempts, a locked-out attacker could continue.
        let configuration = format!(
            "bind 127.0.0.1\nport {port}\ndir \"{data}\"\nrequirepass {password}\nappendonly {durable}\nsave \"\"\n\
             maxmemory-policy noeviction\ndaemonize no\n",
            port = settings.port,
            data = data.display(),
            password = credentials.redis,
            durable = if settings.durable { "yes" } else { "no" },
        );
        credentials::write_private(&settings.dir.join("redis.conf"), &configuration)?;
        let (credentials, program) = (credentials.clone(), packages.redis.clone());
        let mut redis = Self { settings, credentials, program, service: None };
        redis.resume(interrupt)?;
        Ok(redis)
    }

    /// Starts a stopped Redis and waits until it answers.
    pub fn resume(&mut self, interrupt: &Interrupt) -> Result<()> {
        if self.service.is_some() {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        command.arg(self.settings.dir.join("redis.conf"));
        let mut service = Service::spawn("redis", &mut command, &self.settings.dir, StopSignal::Terminate)?;
        wait::until("Redis", READY_TIMEOUT, interrupt, || {
            service.check()?;
            Ok(self.ping().map_or_else(|error| Probe::NotYet(error.to_string()), Probe::Ready))
        })?;
        self.service = Some(service);
        Ok(())
    }

    /// Shuts it down.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.stop_with(StopSignal::Kill);
        }
    }

    /// Stops and starts it.
    pub fn restart(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.stop();
        self.resume(interrupt)
    }

    /// Fails with the end of the log if it has exited.
    pub fn check(&mut self) -> Result<()> {
        self.service.as_mut().map_or(Ok(()), Service::check)
    }

    /// Returns the URL, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.credentials, self.settings.port)
    }

    fn ping(&self) -> std::io::Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.settings.port));
        let mut stream = TcpStream::connect_timeout(&address, PING_TIMEOUT)?;
        stream.set_read_timeout(Some(PING_TIMEOUT))?;
        write!(stream, "AUTH {}\r\nPING\r\n", self.credentials.redis)?;
        let mut answer = [0; b"+OK\r\n+PONG\r\n".len()];
        stream.read_exact(&mut answer)?;
        if &answer == b"+OK\r\n+PONG\r\n" {
            return Ok(());
        }
        Err(std::io::Error::other(String::from_utf8_lossy(&answer).into_owned()))
    }
}

/// Returns the URL of the Redis on `port`, with the password.
pub(crate) fn url(credentials: &Credentials, port: u16) -> String {
    format!("redis://:{}@127.0.0.1:{port}", credentials.redis)
}
