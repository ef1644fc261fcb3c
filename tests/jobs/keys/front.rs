//! Secrets Manager as a function sees it: the stand-in, counted, and with a rotation begun where a test says so.
//!
//! The stand-in begins rotations only by running the function in a container; what it leaves out is said by this front.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use harness::service;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[derive(Default)]
struct Known {
    /// How often each secret was read.
    reads: HashMap<String, usize>,
    /// The version that each rotation begun is about.
    begun: HashMap<String, String>,
    /// Those that nobody told to rotate.
    still: HashSet<String>,
}

#[derive(Clone)]
pub struct Front {
    pub url: String,
    known: Arc<Mutex<Known>>,
}

impl Front {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let front = Self { url, known: Arc::default() };
        let router = Router::new().fallback(answer).with_state(front.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the front serves") });
        front
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("a lock")
    }

    /// How often `arn` was read so far.
    pub fn reads(&self, arn: &str) -> usize {
        self.known().reads.get(arn).copied().unwrap_or_default()
    }

    /// What `RotateSecret` does first: `version` is pending, and has no value.
    pub fn begin(&self, arn: &str, version: &str) {
        self.known().begun.insert(arn.to_owned(), version.to_owned());
    }

    /// From now on nobody has told Secrets Manager to rotate `arn`.
    pub fn stop_rotating(&self, arn: &str) {
        self.known().still.insert(arn.to_owned());
    }

    fn note_read(&self, arn: &str) {
        *self.known().reads.entry(arn.to_owned()).or_default() += 1;
    }

    /// `secret` as Secrets Manager describes it.
    fn described(&self, arn: &str, mut secret: Value) -> Value {
        let known = self.known();
        secret["RotationEnabled"] = json!(!known.still.contains(arn));
        if let Some(version) = known.begun.get(arn)
            && secret["VersionIdsToStages"][version].is_null()
        {
            secret["VersionIdsToStages"][version] = json!(["AWSPENDING"]);
        }
        secret
    }
}

async fn answer(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
    let (status, answered) = forwarded(&headers, &body).await;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let arn = asked["SecretId"].as_str().unwrap_or_default();
    match headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        Some("secretsmanager.GetSecretValue") => front.note_read(arn),
        Some("secretsmanager.DescribeSecret") if status.is_success() => {
            let secret = serde_json::from_slice(&answered).expect("a JSON answer");
            return (status, front.described(arn, secret).to_string().into());
        }
        _ => {}
    }
    (status, answered)
}

async fn forwarded(headers: &HeaderMap, body: &[u8]) -> (StatusCode, Bytes) {
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
