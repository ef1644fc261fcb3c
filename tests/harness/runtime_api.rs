//! A loopback Lambda Runtime API: starts the real binaries and feeds them events.
//!
//! After the AWS Lambda Developer Guide, "Using the Lambda runtime API".

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

use crate::service;

/// How long an invocation may take, unless the test says otherwise.
const TIME: Duration = Duration::from_secs(20);

/// Lambda ends a function at its deadline; a test waits this much longer, to see one that is late.
const GRACE: Duration = Duration::from_secs(20);

type Answers = Arc<Mutex<HashMap<String, oneshot::Sender<Result<Value, Value>>>>>;

/// An invocation: its id, its event and the time it may take.
type Event = (String, Value, Duration);

#[derive(Clone)]
struct Api {
    events: Arc<AsyncMutex<mpsc::UnboundedReceiver<Event>>>,
    answers: Answers,
}

/// One running instance of a function.
pub struct Function {
    events: mpsc::UnboundedSender<Event>,
    answers: Answers,
    log: Arc<Mutex<Vec<String>>>,
    /// The process; killed with this value.
    process: Child,
}

impl Function {
    /// Starts the binary `name` with `environment` and nothing else.
    pub async fn start(name: &str, environment: HashMap<String, String>) -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let answers = Answers::default();
        let api = Api { events: Arc::new(AsyncMutex::new(receiver)), answers: Arc::clone(&answers) };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(async || StatusCode::ACCEPTED))
            .with_state(api);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the Runtime API serves") });

        let mut process = Command::new(format!("{}/{name}", service("TEST_TARGET_DIR")))
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let log = Arc::default();
        keep(process.stdout.take().expect("standard output"), &log);
        keep(process.stderr.take().expect("standard error"), &log);
        Self { events, answers, log, process }
    }

    /// Hands `event` over and waits for the answer: the response, or the error.
    pub async fn invoke(&self, event: Value) -> Result<Value, Value> {
        self.invoke_within(TIME, event).await
    }

    /// [`Function::invoke`], of a function that is told it has `time`.
    pub async fn invoke_within(&self, time: Duration, event: Value) -> Result<Value, Value> {
        let id = Uuid::new_v4().to_string();
        let (sender, receiver) = oneshot::channel();
        self.answers.lock().expect("a lock").insert(id.clone(), sender);
        self.events.send((id, event, time)).expect("the Runtime API serves");
        let answer = timeout(time + GRACE, receiver).await;
        answer.unwrap_or_else(|_| panic!("no answer in time; the log: {:#?}", self.log())).expect("an answer")
    }

    /// Everything it has written so far, line by line.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("a lock").clone()
    }

    /// Waits until it has written a line that satisfies `wanted`.
    pub async fn log_line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let found = async {
            loop {
                if let Some(line) = self.log().iter().find(|line| wanted(line)) {
                    return line.clone();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(TIME, found).await.unwrap_or_else(|_| panic!("no such line in {:#?}", self.log()))
    }

    /// The id of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id().expect("a running process")
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        timeout(TIME, self.process.wait()).await.expect("an end in time").expect("a status")
    }
}

fn keep(stream: impl tokio::io::AsyncRead + Unpin + Send + 'static, log: &Arc<Mutex<Vec<String>>>) {
    let log = Arc::clone(log);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.lock().expect("a lock").push(line);
        }
    });
}

async fn next(State(api): State<Api>) -> (HeaderMap, String) {
    let (id, event, time) = api.events.lock().await.recv().await.expect("the test goes on");
    #[expect(clippy::disallowed_methods, reason = "Lambda's deadline is a moment of the machine's clock")]
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970") + time;
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:test".to_owned(),
        ),
    ];
    let headers = headers.map(|(name, value)| {
        (name.parse().expect("a header's name"), value.parse().expect("a header's value"))
    });
    (headers.into_iter().collect(), event.to_string())
}

async fn response(State(api): State<Api>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answer(&api, &id, Ok(serde_json::from_slice(&body).expect("a JSON response")))
}

async fn error(State(api): State<Api>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    answer(&api, &id, Err(serde_json::from_slice(&body).expect("a JSON error")))
}

fn answer(api: &Api, id: &str, answer: Result<Value, Value>) -> StatusCode {
    if let Some(waiting) = api.answers.lock().expect("a lock").remove(id) {
        // Whoever waited may have given up.
        _ = waiting.send(answer);
    }
    StatusCode::ACCEPTED
}
