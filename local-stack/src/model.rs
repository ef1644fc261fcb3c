//! The language models: `model.py`, a server with the wire format of OpenAI's API.

use std::{fs, net::TcpStream, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{
    Interrupt, Service, Tools,
    process::StopSignal,
    wait::{self, Probe},
};

/// The real model.
pub const NAME: &str = "all-MiniLM-L6-v2";
/// A model without meaning that costs no time. A suffix gives a test its own counts and faults: `stub-fast-<suffix>`.
pub const STUB: &str = "stub-fast";
/// The chat models of developers: one without faults, and some with.
pub const CHAT_STUBS: &str =
    "stub-fast,stub-slow,stub-500,stub-429,stub-hang,stub-cut,stub-garbage,stub-inject,stub-nousage";
/// The length of the vectors of both.
pub const DIMENSIONS: u32 = 384;

const SERVER: &str = include_str!("../model.py");
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// The running server.
#[derive(Debug)]
pub struct Model(Service);

impl Model {
    /// Starts the server on the loopback address and waits until it accepts connections. Its log is in `dir`.
    pub fn start(tools: &Tools, dir: &Path, port: u16, interrupt: &Interrupt) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        let script = dir.join("model.py");
        fs::write(&script, SERVER).with_context(|| format!("write {}", script.display()))?;
        let mut command = Command::new(tools.program("python"));
        command.arg(&script).arg(port.to_string());
        command.env_remove("PYTHONDONTWRITEBYTECODE").env_remove("PYTHONPATH");
        let mut service = Service::spawn("model", &mut command, dir, StopSignal::Terminate)?;
        wait::until("embedding model", READY_TIMEOUT, interrupt, || {
            service.check()?;
            let connected = TcpStream::connect(("127.0.0.1", port));
            Ok(connected.map_or_else(|error| Probe::NotYet(error.to_string()), |_| Probe::Ready(())))
        })?;
        Ok(Self(service))
    }

    /// Fails with the end of the log if the process has exited.
    pub fn check(&mut self) -> Result<()> {
        self.0.check()
    }
}

/// Returns the base URL of the API.
#[must_use]
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1")
}
