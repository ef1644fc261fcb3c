//! A proxy in front of the stand-in for Secrets Manager. It counts reads and simulates rotations that a test begins. It is also the
//! receiver of responses to CloudFormation.
//!
//! The stand-in can begin a rotation only by running the function in a container, so this proxy simulates the begin.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use harness::service;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::cloudformation::StackResponse;

#[derive(Default)]
struct Recorded {
    reads: HashMap<String, usize>,
    /// The pending version of each rotation.
    rotations: HashMap<String, String>,
    /// Secrets without rotation.
    not_rotating: HashSet<String>,
    /// The responses that CloudFormation got.
    responses: Vec<StackResponse>,
    /// How many of the next responses are rejected.
    rejections: usize,
    /// How long a read of a secret takes.
    delay: Duration,
    /// Reads fail.
    unavailable: bool,
    /// The operation that fails.
    failing: Option<(&'static str, Failure)>,
}

/// Where a call to Secrets Manager fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Before it has an effect.
    Unsent,
    /// After it has an effect: the answer is lost.
    Unanswered,
}

#[derive(Clone)]
pub struct AwsProxy {
    pub url: String,
    recorded: Arc<Mutex<Recorded>>,
}

impl AwsProxy {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let proxy = Self { url, recorded: Arc::default() };
        let router = Router::new().fallback(answer).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the proxy serves") });
        proxy
    }

    /// Returns the environment of a function that uses this proxy as AWS.
    pub fn environment(&self) -> HashMap<String, String> {
        let passed = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let mut environment: HashMap<_, _> = passed.map(|name| (name.to_owned(), service(name))).into();
        environment.insert("AWS_ENDPOINT_URL".to_owned(), self.url.clone());
        environment
    }

    /// From now on, a read of a secret takes `delay`.
    pub fn delay_reads(&self, delay: Duration) {
        self.recorded().delay = delay;
    }

    /// From now on, reads of secrets fail or succeed.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.recorded().unavailable = unavailable;
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().expect("a lock")
    }

    /// Returns how often `arn` was read.
    pub fn reads(&self, arn: &str) -> usize {
        self.recorded().reads.get(arn).copied().unwrap_or_default()
    }

    /// Simulates the begin of `RotateSecret`: `version` is pending and has no value.
    pub fn begin_rotation(&self, arn: &str, version: &str) {
        self.recorded().rotations.insert(arn.to_owned(), version.to_owned());
    }

    /// From now on, rotation of `arn` is disabled.
    pub fn disable_rotation(&self, arn: &str) {
        self.recorded().not_rotating.insert(arn.to_owned());
    }

    /// Returns the responses that CloudFormation got, oldest first.
    pub fn responses(&self) -> Vec<StackResponse> {
        self.recorded().responses.clone()
    }

    /// Rejects the next `times` responses to CloudFormation.
    pub fn reject_responses(&self, times: usize) {
        self.recorded().rejections = times;
    }

    /// From now on, each call of `operation` fails; with `None`, no call does.
    pub fn fail(&self, operation: Option<(&'static str, Failure)>) {
        self.recorded().failing = operation;
    }

    fn failure(&self, target: Option<&str>) -> Option<Failure> {
        let failing = self.recorded().failing;
        let name = target.and_then(|target| target.strip_prefix("secretsmanager."));
        failing.filter(|(operation, _)| name == Some(operation)).map(|(_, failure)| failure)
    }

    fn receive(&self, response: StackResponse) -> StatusCode {
        let mut recorded = self.recorded();
        if recorded.rejections > 0 {
            recorded.rejections -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        recorded.responses.push(response);
        StatusCode::OK
    }

    fn count_read(&self, arn: &str) {
        *self.recorded().reads.entry(arn.to_owned()).or_default() += 1;
    }

    /// Adds the simulated rotation to the description of `secret`.
    fn described(&self, arn: &str, mut secret: Value) -> Value {
        let recorded = self.recorded();
        secret["RotationEnabled"] = json!(!recorded.not_rotating.contains(arn));
        if let Some(version) = recorded.rotations.get(arn)
            && secret["VersionIdsToStages"][version].is_null()
        {
            secret["VersionIdsToStages"][version] = json!(["AWSPENDING"]);
        }
        secret
    }
}

async fn answer(
    State(proxy): State<AwsProxy>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Bytes) {
    // Requests to Secrets Manager are always POST, so a PUT is a response to CloudFormation.
    if method == Method::PUT {
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
        let response = StackResponse {
            path: uri.to_string(),
            content_type: content_type.map(str::to_owned),
            answer: serde_json::from_slice(&body).expect("a JSON answer"),
        };
        return (proxy.receive(response), Bytes::new());
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let failure = proxy.failure(target);
    if failure == Some(Failure::Unsent) {
        return (StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
    }
    let (status, answered) = forward(&headers, &body).await;
    if failure == Some(Failure::Unanswered) {
        return (StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let arn = asked["SecretId"].as_str().unwrap_or_default();
    match target {
        Some("secretsmanager.GetSecretValue") => {
            proxy.count_read(arn);
            let (delay, unavailable) = {
                let recorded = proxy.recorded();
                (recorded.delay, recorded.unavailable)
            };
            sleep(delay).await;
            if unavailable {
                return (StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
            }
        }
        Some("secretsmanager.DescribeSecret") if status.is_success() => {
            let secret = serde_json::from_slice(&answered).expect("a JSON answer");
            return (status, proxy.described(arn, secret).to_string().into());
        }
        _ => {}
    }
    (status, answered)
}

async fn forward(headers: &HeaderMap, body: &[u8]) -> (StatusCode, Bytes) {
    let stand_in = service("AWS_ENDPOINT_URL").trim_start_matches("http://").to_owned();
    let mut server = TcpStream::connect(&stand_in).await.expect("the stand-in");
    let mut request =
        format!("POST / HTTP/1.0\r\nhost: {stand_in}\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for name in ["authorization", "content-type", "x-amz-date", "x-amz-target"] {
        if let Some(value) = headers.get(name) {
            request.extend([name.as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    request.extend(b"\r\n");
    request.extend(body);
    server.write_all(&request).await.expect("a request");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.expect("an answer");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("headers");
    let status = std::str::from_utf8(&answer[9..12]).expect("a status").parse().expect("a number");
    (StatusCode::from_u16(status).expect("a status"), Bytes::from(answer.split_off(end + 4)))
}
