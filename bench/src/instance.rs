//! Instances of functions, behind a Lambda Runtime API of our own on the loopback address.
//!
//! After the AWS Lambda Developer Guide, "Using the Lambda runtime API". Each instance has a port of its own, so that many
//! of many functions run at once.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
    time::{Instant, timeout},
};

/// No start and no call takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

type Answer = (Instant, Result<Value, String>);

struct Waiting {
    /// Told once, when the function asks for its first event.
    ready: Mutex<Option<oneshot::Sender<Instant>>>,
    events: AsyncMutex<mpsc::UnboundedReceiver<String>>,
    answer: Mutex<Option<oneshot::Sender<Answer>>>,
}

/// A running instance, ended with this value.
pub struct Instance {
    process: Child,
    waiting: Arc<Waiting>,
    events: mpsc::UnboundedSender<String>,
    /// From the start of the process to the first question for an event.
    pub init: Duration,
    /// The CPU time that took.
    pub init_cpu: Duration,
}

impl Instance {
    /// Starts `program` with `environment` and nothing else, and waits until it is ready.
    pub async fn start(program: &Path, environment: &HashMap<String, String>) -> Result<Self> {
        let (events, receiver) = mpsc::unbounded_channel();
        let (ready, is_ready) = oneshot::channel();
        let waiting = Arc::new(Waiting {
            ready: Mutex::new(Some(ready)),
            events: AsyncMutex::new(receiver),
            answer: Mutex::new(None),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(Arc::clone(&waiting));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });

        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let process = command.spawn().with_context(|| format!("start {}", program.display()))?;
        let ready = timeout(PATIENCE, is_ready).await.context("the function is not ready in time")??;
        let mut instance = Self { process, waiting, events, init: ready - started, init_cpu: Duration::ZERO };
        instance.init_cpu = instance.cpu()?;
        Ok(instance)
    }

    /// Hands `event` over; the answer, and how long it took.
    pub async fn invoke(&self, event: &Value) -> Result<(Value, Duration)> {
        let (answer, answered) = oneshot::channel();
        *self.waiting.answer.lock().expect("a lock") = Some(answer);
        let event = event.to_string();
        let started = Instant::now();
        self.events.send(event).ok().context("the Runtime API serves")?;
        let (ended, answer) = timeout(PATIENCE, answered).await.context("no answer in time")??;
        match answer {
            Ok(answer) => Ok((answer, ended - started)),
            Err(error) => bail!("the function failed: {error}"),
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

async fn next(State(waiting): State<Arc<Waiting>>) -> ([(&'static str, String); 3], String) {
    let now = Instant::now();
    if let Some(ready) = waiting.ready.lock().expect("a lock").take() {
        _ = ready.send(now);
    }
    let event = waiting.events.lock().await.recv().await;
    // Nobody sends any more: the instance is about to be ended.
    let Some(event) = event else { return std::future::pending().await };
    #[expect(clippy::disallowed_methods, reason = "Lambda's deadline is a moment of the machine's clock")]
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + PATIENCE;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:bench".to_owned(),
        ),
    ];
    (headers, event)
}

async fn response(State(waiting): State<Arc<Waiting>>, body: Bytes) -> StatusCode {
    answer(&waiting, Ok(serde_json::from_slice(&body).unwrap_or_default()))
}

async fn error(State(waiting): State<Arc<Waiting>>, body: String) -> StatusCode {
    answer(&waiting, Err(body))
}

fn answer(waiting: &Waiting, answer: Result<Value, String>) -> StatusCode {
    let now = Instant::now();
    if let Some(asked) = waiting.answer.lock().expect("a lock").take() {
        _ = asked.send((now, answer));
    }
    StatusCode::ACCEPTED
}
