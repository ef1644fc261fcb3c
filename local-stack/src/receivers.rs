//! Receivers of traces and errors, from packages: `oteltap` for OTLP/HTTP, and Spotlight, Sentry's viewer for developers.

use std::{net::TcpStream, path::Path, process::Command, time::Duration};

use anyhow::Result;

use crate::{
    Interrupt, Service, Tools,
    wait::{self, Probe},
};

/// The name of the receiver of spans, and of its log: a line of JSON for each span.
pub const COLLECTOR: &str = "collector";
/// The name of the receiver of errors, and of its log.
pub const SENTRY: &str = "sentry";

const VIEWER: &str = include_str!("../spotlight.mjs");
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// Starts the receiver of spans on the loopback address.
pub fn start_collector(tools: &Tools, dir: &Path, port: u16, interrupt: &Interrupt) -> Result<Service> {
    let mut command = Command::new(tools.program("oteltap"));
    command.args(["--port", &port.to_string()]).env_remove("PYTHONPATH");
    start(COLLECTOR, &mut command, dir, port, interrupt)
}

/// Starts the receiver of errors on the loopback address. `GET /stream` returns what it has received.
pub fn start_sentry(tools: &Tools, dir: &Path, port: u16, interrupt: &Interrupt) -> Result<Service> {
    let mut command = tools.spotlight(VIEWER)?;
    command.arg(port.to_string());
    start(SENTRY, &mut command, dir, port, interrupt)
}

fn start(name: &str, command: &mut Command, dir: &Path, port: u16, interrupt: &Interrupt) -> Result<Service> {
    let mut service = Service::start(name, command, dir)?;
    wait::until(name, READY_TIMEOUT, interrupt, || {
        service.check()?;
        let connected = TcpStream::connect(("127.0.0.1", port));
        Ok(connected.map_or_else(|error| Probe::NotYet(error.to_string()), |_| Probe::Ready(())))
    })?;
    Ok(service)
}

/// Returns the setting `TRACING_ENDPOINT` for the receiver of spans at `port`.
#[must_use]
pub fn tracing_endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1/traces")
}

/// Returns the setting `SENTRY_DSN` for the receiver of errors at `port`.
#[must_use]
pub fn sentry_dsn(port: u16) -> String {
    format!("http://local@127.0.0.1:{port}/1")
}
