//! What the functions in this process have logged about the requests of a test. It is shown if the test fails.

use std::{
    collections::{HashSet, VecDeque},
    io::{self, Write},
    sync::{Arc, Mutex, Once, PoisonError},
    thread,
};

use lambda_http::request::RequestContext;
use openapi::API_FUNCTIONS;
use serde_json::json;
use shared::telemetry;
use tracing_subscriber::{Layer, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};
use uuid::Uuid;

use crate::service;

/// The lines of all tests of this process that are kept.
const MAX_LINES: usize = 20_000;
/// What a line has before the id of its request.
const ID: &str = "request.id=";

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The ids of the requests of a test. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct RequestLog(Arc<Mutex<HashSet<String>>>);

impl RequestLog {
    /// Starts the log of this process, once.
    pub fn start() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let level: LevelFilter = service("LOG_LEVEL").parse().expect("a level");
            let functions: Vec<_> =
                API_FUNCTIONS.iter().map(|function| function.name.replace('-', "_")).collect();
            let filter = telemetry::targets(functions.iter().map(String::as_str).chain(["shared"]), level);
            let lines = fmt::layer().compact().with_ansi(false).with_writer(|| Lines).with_filter(filter);
            tracing_subscriber::registry().with(lines).init();
        });
        Self::default()
    }

    /// Returns the context that an HTTP API adds to a request from `address`, with a new id.
    pub fn gateway(&self, address: &str) -> RequestContext {
        let id = Uuid::new_v4().to_string();
        let context = json!({
            "requestId": id,
            "http": { "sourceIp": address, "method": "GET", "path": "/", "protocol": "HTTP/1.1", "userAgent": "test" },
            "timeEpoch": 0
        });
        self.0.lock().expect("a lock").insert(id);
        RequestContext::ApiGatewayV2(serde_json::from_value(context).expect("a request context"))
    }

    /// Returns the lines about these requests.
    pub fn lines(&self) -> Vec<String> {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = |line: &&String| {
            let id = line.split_once(ID).and_then(|(_, rest)| rest.split_whitespace().next());
            id.is_some_and(|id| ids.contains(id))
        };
        lines.iter().filter(is_ours).cloned().collect()
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        show_if_failing("the requests of this test", || {
            let lines = self.lines();
            // Another clone shows nothing again.
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
            lines
        });
    }
}

/// Prints the log of `whom` if the test of this thread is failing.
pub(crate) fn show_if_failing(whom: &str, lines: impl FnOnce() -> Vec<String>) {
    if thread::panicking() {
        let lines = lines();
        if !lines.is_empty() {
            eprintln!("The log of {whom}:\n  {}", lines.join("\n  "));
        }
    }
}

/// Keeps the lines that are written to it.
struct Lines;

impl Write for Lines {
    /// Gets a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(line).trim_end().to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
