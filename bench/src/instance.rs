//! Instances of functions, each with a Runtime API of its own, so that many of many functions run at once.

use std::{collections::HashMap, fs, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use harness::runtime_api::RuntimeApi;
use serde_json::Value;
use tokio::{
    process::Child,
    time::{Instant, timeout},
};

/// The longest that a start or a call may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running instance, ended with this value.
pub struct Instance {
    process: Child,
    api: RuntimeApi,
    /// From the start of the process to the first question for an event.
    pub init: Duration,
    /// The CPU time that took.
    pub init_cpu: Duration,
}

impl Instance {
    /// Starts `program` with `environment` and nothing else, and waits until it is ready.
    pub async fn start(program: &Path, environment: &HashMap<String, String>) -> Result<Self> {
        let api = RuntimeApi::start().await;
        let mut command = api.command(program, "bench", environment);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let process = command.spawn().with_context(|| format!("start {}", program.display()))?;
        let ready = timeout(PATIENCE, api.ready()).await.context("the function is not ready in time")?;
        let mut instance = Self { process, api, init: ready - started, init_cpu: Duration::ZERO };
        instance.init_cpu = instance.cpu()?;
        Ok(instance)
    }

    /// Hands `event` over; the answer, and how long it took.
    pub async fn invoke(&self, event: &Value) -> Result<(Value, Duration)> {
        let answer = timeout(PATIENCE, self.api.invoke(event, PATIENCE)).await;
        match answer.context("no answer in time")? {
            (Ok(answer), took) => Ok((answer, took)),
            (Err(error), _) => bail!("the function failed: {error}"),
        }
    }

    /// [`Instance::invoke`], which must be answered with `status`.
    pub async fn ask(&self, event: &Value, status: u16) -> Result<(Value, Duration)> {
        let (answer, took) = self.invoke(event).await?;
        let body = answer["body"].as_str().unwrap_or_default();
        if answer["statusCode"] != status {
            bail!("{} {}: {} {body}", event["httpMethod"], event["path"], answer["statusCode"]);
        }
        Ok((serde_json::from_str(body).unwrap_or_default(), took))
    }

    /// The CPU time that its threads have had so far.
    pub fn cpu(&self) -> Result<Duration> {
        let path = format!("/proc/{}/task", self.pid()?);
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(&path).with_context(|| format!("read {path}"))? {
            // One that has ended meanwhile is gone from there.
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
            sum += Duration::from_nanos(nanoseconds.context("a number")?);
        }
        Ok(sum)
    }

    /// The most memory it has had so far, in MiB.
    pub fn peak_memory(&self) -> Result<f64> {
        peak_memory(self.pid()?)
    }

    fn pid(&self) -> Result<u32> {
        self.process.id().context("the function has ended")
    }
}

/// The most memory that `process` has had so far, in MiB.
pub fn peak_memory(process: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("a peak")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1024.0)
}
