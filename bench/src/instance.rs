//! Instances of functions. Each has its own Runtime API, so that many can run concurrently.

use std::{collections::HashMap, fs, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use harness::runtime_api::RuntimeApi;
use serde_json::Value;
use tokio::{
    process::Child,
    time::{Instant, timeout},
};

/// Of a start, and of an invocation.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// A running instance, stopped when dropped.
pub struct Instance {
    process: Child,
    api: RuntimeApi,
    /// Time from the start of the process to its first request for an event.
    pub init: Duration,
    /// CPU time of that.
    pub init_cpu: Duration,
}

impl Instance {
    /// Starts `program` with only the variables in `environment`, and waits until it is ready.
    pub async fn start(program: &Path, environment: &HashMap<String, String>) -> Result<Self> {
        let api = RuntimeApi::start().await;
        let mut command = api.command(program, "bench", environment);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let process = command.spawn().with_context(|| format!("start {}", program.display()))?;
        let ready = timeout(CALL_TIMEOUT, api.ready()).await.context("the function was not ready in time")?;
        let mut instance = Self { process, api, init: ready - started, init_cpu: Duration::ZERO };
        instance.init_cpu = instance.cpu()?;
        Ok(instance)
    }

    /// Invokes the function with `event`. Returns the result and the duration.
    pub async fn invoke(&self, event: &Value) -> Result<(Value, Duration)> {
        let answer = timeout(CALL_TIMEOUT, self.api.invoke(event, CALL_TIMEOUT)).await;
        match answer.context("the function did not respond in time")? {
            (Ok(answer), took) => Ok((answer, took)),
            (Err(error), _) => bail!("the function failed: {error}"),
        }
    }

    /// Sends an HTTP request. Returns the body and the duration. Fails for a status other than `status`.
    pub async fn request(&self, event: &Value, status: u16) -> Result<(Value, Duration)> {
        let (answer, took) = self.invoke(event).await?;
        let body = answer["body"].as_str().unwrap_or_default();
        if answer["statusCode"] != status {
            bail!("{} {}: {} {body}", event["httpMethod"], event["path"], answer["statusCode"]);
        }
        Ok((serde_json::from_str(body).unwrap_or_default(), took))
    }

    /// Returns the CPU time of its threads so far.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_time(self.pid()?)
    }

    /// Returns its peak memory, in MiB.
    pub fn peak_memory(&self) -> Result<f64> {
        peak_memory(self.pid()?)
    }

    fn pid(&self) -> Result<u32> {
        self.process.id().context("the function has ended")
    }
}

/// Returns the CPU time of the threads of `process` so far.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let path = format!("/proc/{process}/task");
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(&path).with_context(|| format!("read {path}"))? {
        // A thread that has just ended has no file any more.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
        sum += Duration::from_nanos(nanoseconds.context("a number")?);
    }
    Ok(sum)
}

/// Returns the peak memory of `process`, in MiB.
pub fn peak_memory(process: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("a peak")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1024.0)
}
