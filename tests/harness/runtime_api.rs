//! A loopback Lambda Runtime API: starts the real binaries and sends them events.
//!
//! After the AWS Lambda Developer Guide, "Using the Lambda runtime API".

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path as Id, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, mpsc, oneshot, watch},
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{request_log::show_if_failing, service};

/// The header of a request with a streamed response.
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
/// The default limit of an invocation.
const INVOCATION_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a test waits after the deadline, at which Lambda would end the function. So a late answer is seen.
const DEADLINE_MARGIN: Duration = Duration::from_secs(20);

type Answers = Arc<Mutex<HashMap<String, oneshot::Sender<(Instant, Result<Value, Value>)>>>>;
/// The receivers of the bytes of streamed responses.
type Streams = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Streamed>>>>;

/// A part of a streamed response.
#[derive(Debug)]
pub enum Streamed {
    /// The headers of the request to the Runtime API.
    Head(HeaderMap),
    /// Bytes, as they came in one chunk.
    Chunk(Bytes),
}

/// An invocation: its id, its event, its time limit, and its tracing header.
type Event = (String, String, Duration, Option<String>);

/// A Runtime API for one instance of a function, on its own port. `bench` uses it too.
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Event>,
    answers: Answers,
    streams: Streams,
    ready: watch::Receiver<Option<Instant>>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let (answers, streams) = (Answers::default(), Streams::default());
        let (ready, is_ready) = watch::channel(None);
        let runtime = Runtime {
            events: AsyncMutex::new(receiver),
            answers: Arc::clone(&answers),
            streams: Arc::clone(&streams),
            ready,
        };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(async || StatusCode::ACCEPTED))
            .with_state(Arc::new(runtime));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the Runtime API serves") });
        Self { address, events, answers, streams, ready: is_ready }
    }

    /// Returns the command that starts `program` as the function `name`, with `environment` and nothing else. The process is
    /// killed when its handle is dropped.
    #[must_use]
    pub fn command(&self, program: &Path, name: &str, environment: &HashMap<String, String>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", self.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .kill_on_drop(true);
        command
    }

    /// Waits until the function asks for its first event. Returns the time of that request.
    pub async fn ready(&self) -> Instant {
        let mut ready = self.ready.clone();
        let ready = ready.wait_for(Option::is_some).await.expect("the Runtime API serves");
        ready.expect("a time")
    }

    /// Sends `event` with the time limit `time`. Returns the response or the error, and the duration.
    pub async fn invoke(&self, event: &Value, time: Duration) -> (Result<Value, Value>, Duration) {
        self.invoke_traced(event, time, None).await
    }

    /// Like [`RuntimeApi::invoke`], with X-Ray's tracing header.
    pub async fn invoke_traced(
        &self,
        event: &Value,
        time: Duration,
        trace: Option<&str>,
    ) -> (Result<Value, Value>, Duration) {
        let id = Uuid::new_v4().to_string();
        let (sender, receiver) = oneshot::channel();
        self.answers.lock().expect("a lock").insert(id.clone(), sender);
        let event = event.to_string();
        let started = Instant::now();
        self.events.send((id, event, time, trace.map(str::to_owned))).expect("the Runtime API serves");
        let (ended, answer) = receiver.await.expect("an answer");
        (answer, ended - started)
    }

    /// Sends `event` with the time limit `time`. Returns the receiver of the streamed response. When it is dropped, the connection of
    /// the function is closed.
    #[must_use]
    pub fn invoke_streaming(&self, event: &Value, time: Duration) -> mpsc::UnboundedReceiver<Streamed> {
        let id = Uuid::new_v4().to_string();
        let (sender, receiver) = mpsc::unbounded_channel();
        self.streams.lock().expect("a lock").insert(id.clone(), sender);
        self.events.send((id, event.to_string(), time, None)).expect("the Runtime API serves");
        receiver
    }
}

/// The state of the handlers that the function calls.
struct Runtime {
    events: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
    answers: Answers,
    streams: Streams,
    ready: watch::Sender<Option<Instant>>,
}

/// A running instance of a function.
pub struct Function {
    name: String,
    api: RuntimeApi,
    log: Arc<Mutex<Vec<String>>>,
    /// Killed when this value is dropped.
    process: Child,
}

impl Function {
    /// Starts the binary `name` with only `environment`.
    pub async fn start(name: &str, environment: HashMap<String, String>) -> Self {
        let api = RuntimeApi::start().await;
        let program = format!("{}/{name}", service("TEST_TARGET_DIR"));
        let mut process = api
            .command(program.as_ref(), name, &environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let log = Arc::default();
        collect_lines(process.stdout.take().expect("standard output"), &log);
        collect_lines(process.stderr.take().expect("standard error"), &log);
        Self { name: name.to_owned(), api, log, process }
    }

    /// Sends `event` and returns the response or the error.
    pub async fn invoke(&self, event: Value) -> Result<Value, Value> {
        self.invoke_within(INVOCATION_TIMEOUT, event).await
    }

    /// Like [`Function::invoke`], with the time limit `time`.
    pub async fn invoke_within(&self, time: Duration, event: Value) -> Result<Value, Value> {
        let answer = timeout(time + DEADLINE_MARGIN, self.api.invoke(&event, time)).await;
        let (answer, _) = answer.unwrap_or_else(|_| panic!("no answer in time; the log: {:#?}", self.log()));
        answer
    }

    /// Like [`Function::invoke`], with X-Ray's tracing header.
    pub async fn invoke_traced(&self, trace: &str, event: Value) -> Result<Value, Value> {
        let time = INVOCATION_TIMEOUT;
        let answer = timeout(time + DEADLINE_MARGIN, self.api.invoke_traced(&event, time, Some(trace))).await;
        answer.unwrap_or_else(|_| panic!("no answer in time; the log: {:#?}", self.log())).0
    }

    /// Sends `event` and returns the receiver of the streamed response.
    #[must_use]
    pub fn invoke_streaming(&self, event: &Value) -> mpsc::UnboundedReceiver<Streamed> {
        self.api.invoke_streaming(event, INVOCATION_TIMEOUT)
    }

    /// Kills the process, as a crash does.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("a running process");
    }

    /// Returns the lines that it has written so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("a lock").clone()
    }

    /// Waits for a line that satisfies `wanted`, and returns it.
    pub async fn log_line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let found = async {
            loop {
                if let Some(line) = self.log().iter().find(|line| wanted(line)) {
                    return line.clone();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(INVOCATION_TIMEOUT, found)
            .await
            .unwrap_or_else(|_| panic!("no matching line in {:#?}", self.log()))
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id().expect("a running process")
    }

    /// Waits until the process exits.
    pub async fn wait_for_exit(&mut self) -> std::process::ExitStatus {
        timeout(INVOCATION_TIMEOUT, self.process.wait()).await.expect("an end in time").expect("a status")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let without_metrics = || self.log().into_iter().filter(|line| !line.contains("\"_aws\"")).collect();
        show_if_failing(&self.name, without_metrics);
    }
}

fn collect_lines(stream: impl tokio::io::AsyncRead + Unpin + Send + 'static, log: &Arc<Mutex<Vec<String>>>) {
    let log = Arc::clone(log);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.lock().expect("a lock").push(line);
        }
    });
}

async fn next(State(runtime): State<Arc<Runtime>>) -> (HeaderMap, String) {
    let now = Instant::now();
    runtime.ready.send_if_modified(|ready| {
        let first = ready.is_none();
        ready.get_or_insert(now);
        first
    });
    let event = runtime.events.lock().await.recv().await;
    // No more events: the instance will be killed.
    let Some((id, event, time, trace)) = event else { return std::future::pending().await };
    #[expect(clippy::disallowed_methods, reason = "Lambda's deadline uses the machine's clock")]
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970") + time;
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:test".to_owned(),
        ),
    ];
    let trace = trace.map(|trace| ("lambda-runtime-trace-id", trace));
    let headers = headers.into_iter().chain(trace).map(|(name, value)| {
        (name.parse().expect("a header's name"), value.parse().expect("a header's value"))
    });
    (headers.collect(), event)
}

async fn response(
    State(runtime): State<Arc<Runtime>>,
    Id(id): Id<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let stream = runtime.streams.lock().expect("a lock").remove(&id);
    let is_streamed = headers.get(RESPONSE_MODE).is_some_and(|mode| mode == "streaming");
    if let Some(stream) = stream {
        assert!(is_streamed, "a streamed response");
        if pass_on(stream, headers, body).await.is_err() {
            // The body is dropped before its end, and so is the connection.
            return (StatusCode::GONE, [(header::CONNECTION, "close")]).into_response();
        }
        return StatusCode::ACCEPTED.into_response();
    }
    let bytes = to_bytes(body, usize::MAX).await.expect("a whole response");
    let value =
        if is_streamed { whole(&bytes) } else { serde_json::from_slice(&bytes).expect("a JSON response") };
    answer(&runtime, &id, Ok(value)).into_response()
}

/// Sends the parts of a streamed response. Fails if nobody wants them.
async fn pass_on(
    stream: mpsc::UnboundedSender<Streamed>,
    headers: HeaderMap,
    body: Body,
) -> Result<(), mpsc::error::SendError<Streamed>> {
    stream.send(Streamed::Head(headers))?;
    let mut chunks = body.into_data_stream();
    loop {
        tokio::select! {
            () = stream.closed() => return Err(mpsc::error::SendError(Streamed::Chunk(Bytes::new()))),
            chunk = chunks.next() => match chunk {
                Some(Ok(chunk)) => stream.send(Streamed::Chunk(chunk))?,
                // The function was killed.
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}

/// Returns a whole streamed response in the form of one that is not streamed.
fn whole(bytes: &[u8]) -> Value {
    let end = bytes.windows(8).position(|window| window == [0; 8]).expect("the delimiter");
    let mut answer: Value = serde_json::from_slice(&bytes[..end]).expect("JSON before the delimiter");
    answer["body"] = String::from_utf8_lossy(&bytes[end + 8..]).into();
    answer["isBase64Encoded"] = false.into();
    answer
}

async fn error(State(runtime): State<Arc<Runtime>>, Id(id): Id<String>, body: Bytes) -> StatusCode {
    answer(&runtime, &id, Err(serde_json::from_slice(&body).expect("a JSON error")))
}

fn answer(runtime: &Runtime, id: &str, answer: Result<Value, Value>) -> StatusCode {
    let now = Instant::now();
    if let Some(waiting) = runtime.answers.lock().expect("a lock").remove(id) {
        // The caller may have stopped waiting.
        _ = waiting.send((now, answer));
    }
    StatusCode::ACCEPTED
}
