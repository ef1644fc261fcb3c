//! Spans and errors of the real binaries, through the real `observe`, to receivers that this project did not write: `oteltap` for OTLP, and
//! Spotlight, Sentry's viewer.

use std::{
    collections::{BTreeSet, HashMap},
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use data_encoding::BASE64;
use flate2::{Compression, write::GzEncoder};
use harness::{Database, ingestion::Ingestion, runtime_api::Function, service};
use local_stack::{Interrupt, Scratch, Service, Tools, ports, receivers, service::log_path};
use serde_json::{Value, json};
use shared::telemetry::ATTRIBUTES;
use tokio::time::{Instant, sleep};

use crate::{
    environment,
    events::{body, http},
};

const TRACE: &str = "5759e988bd862e3fe1be46a994272793";
const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const NOT_SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";
/// Another trace, of an invocation by a queue.
const OF_QUEUE: &str = "Root=1-5759e988-aaaaaaaaaaaaaaaaaaaaaaaa;Parent=53995c3f42cd8ad8;Sampled=1";
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The receivers of one test. Each may be stopped and started again.
struct Receivers {
    scratch: Scratch,
    tools: Tools,
    collector_port: u16,
    sentry_port: u16,
    collector: Option<Service>,
    sentry: Option<Service>,
}

impl Receivers {
    fn prepare() -> Self {
        Self {
            scratch: Scratch::create().expect("a folder"),
            tools: Tools::at(service("TEST_TOOLS")),
            collector_port: ports::free().expect("a port"),
            sentry_port: ports::free().expect("a port"),
            collector: None,
            sentry: None,
        }
    }

    fn start() -> Self {
        let mut receivers = Self::prepare();
        receivers.start_collector();
        receivers.start_sentry();
        receivers
    }

    fn start_collector(&mut self) {
        let Self { scratch, tools, collector_port, .. } = self;
        let started =
            receivers::start_collector(tools, scratch.path(), *collector_port, &Interrupt::default());
        self.collector = Some(started.expect("a receiver of spans"));
    }

    fn start_sentry(&mut self) {
        let Self { scratch, tools, sentry_port, .. } = self;
        let started = receivers::start_sentry(tools, scratch.path(), *sentry_port, &Interrupt::default());
        self.sentry = Some(started.expect("a receiver of errors"));
    }

    fn environment(&self, database: &Database) -> HashMap<String, String> {
        let mut environment = environment(database);
        environment.extend([
            ("TRACING_ENDPOINT".to_owned(), receivers::tracing_endpoint(self.collector_port)),
            ("SENTRY_DSN".to_owned(), receivers::sentry_dsn(self.sentry_port)),
        ]);
        environment
    }

    /// Returns the spans that the collector has, when there are `count` at the least.
    async fn spans(&self, count: usize) -> Vec<Value> {
        let log = log_path(self.scratch.path(), receivers::COLLECTOR);
        let begin = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let spans: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if spans.len() >= count {
                return spans;
            }
            assert!(begin.elapsed() < RECEIVE_TIMEOUT, "{} of {count} spans: {text}", spans.len());
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns the events that Sentry's viewer has.
    fn errors(&self) -> Vec<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.sentry_port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
        write!(stream, "GET /stream HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            .expect("a request");
        let (mut text, mut piece) = (Vec::new(), [0; 4096]);
        // The stream has no end.
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            text.extend_from_slice(&piece[..read]);
        }
        let text = String::from_utf8(text).expect("text");
        let envelopes = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?.trim()).ok());
        envelopes.map(|envelope| envelope[1][0][1].clone()).collect()
    }
}

/// Returns the environment of a function that writes its spans.
fn traced(mut environment: HashMap<String, String>) -> HashMap<String, String> {
    environment.insert("TRACING_ENABLED".to_owned(), "true".to_owned());
    environment.entry("TRACING_ENDPOINT".to_owned()).or_insert_with(|| receivers::tracing_endpoint(9));
    environment
}

/// Returns the lines that a subscription passes on.
fn wanted(function: &Function) -> Vec<String> {
    let is_wanted = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        line["otlp"] == true
            || line["level"] == "ERROR"
            || (line["type"] == "platform.report" && line["record"]["status"] != "success")
    };
    function.log().into_iter().filter(is_wanted).collect()
}

/// Returns the event with which CloudWatch invokes `observe`.
fn event(lines: &[String]) -> Value {
    let events = lines.iter().enumerate().map(|(number, line)| {
        json!({ "id": format!("{number:056}"), "timestamp": 1_767_323_045_000_i64, "message": line })
    });
    let data = json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "arches-test-app-Logs",
        "logStream": "2026/01/02/arches-test-app-Auth-XyZ[1][0f1e]", "subscriptionFilters": ["filter"],
        "logEvents": events.collect::<Vec<_>>()
    });
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(data.to_string().as_bytes()).expect("compressed");
    json!({ "awslogs": { "data": BASE64.encode(&gzip.finish().expect("compressed")) } })
}

/// Registers an account with data that must not leave the system.
async fn register(auth: &Function, trace: &str) -> Value {
    let headers = json!({
        "content-type": "application/json", "user-agent": "canary-agent",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    });
    let register = json!({ "name": "Canary Name", "email": "canary.address@example.com", "password": "canary password" });
    let event = http(
        "POST",
        "/v1/auth/register?canary=canary",
        &headers,
        Some(&register.to_string()),
        "203.0.113.77",
    );
    let answer = auth.invoke_traced(trace, event).await.expect("an answer");
    assert_eq!(answer["statusCode"], 201, "{answer}");
    body(&answer)
}

#[tokio::test]
async fn request_becomes_one_trace_without_personal_data() {
    let (database, receivers) = (Database::create().await, Receivers::start());
    let auth = Function::start("auth", traced(environment(&database))).await;
    let observe = Function::start("observe", receivers.environment(&database)).await;
    let answer = register(&auth, HEADER).await;
    let line = auth.log_line(|line| line.contains("\"otlp\":true")).await;
    assert!(line.len() <= 4096, "{} bytes: {line}", line.len());

    let report = observe.invoke(event(&wanted(&auth))).await.expect("a delivery");
    let count = report["spans"].as_u64().expect("a number");
    let spans = receivers.spans(usize::try_from(count).expect("a number")).await;
    let request = spans.iter().find(|span| span["name"] == "POST /v1/auth/register").expect("a request");
    for (name, value) in
        [("traceId", json!(TRACE)), ("parentSpanId", json!("53995c3f42cd8ad8")), ("kind", json!(2))]
    {
        assert_eq!(request[name], value, "{name} of {request}");
    }
    assert_eq!(request["links"][0]["traceId"], "0af7651916cd43dd8448eb211c80319c", "{request}");
    for name in ["transaction", "redis"] {
        let part = spans
            .iter()
            .find(|span| span["name"] == name)
            .unwrap_or_else(|| panic!("no {name} in {spans:#?}"));
        assert_eq!(
            (&part["traceId"], &part["parentSpanId"]),
            (&request["traceId"], &request["spanId"]),
            "{part}"
        );
    }
    let names: BTreeSet<_> = spans
        .iter()
        .flat_map(|span| span["attributes"].as_array().into_iter().flatten())
        .map(|attribute| attribute["key"].as_str().expect("text").to_owned())
        .collect();
    let listed: BTreeSet<_> = ATTRIBUTES.map(str::to_owned).into();
    assert!(!names.is_empty() && names.is_subset(&listed), "{names:?}");

    let all = Value::from(spans).to_string().to_lowercase();
    let user = answer["data"]["user"]["id"].as_str().expect("an id");
    for canary in ["canary", "203.0.113.77", user, &database.name().to_lowercase()] {
        assert!(!all.contains(canary), "{canary} in {all}");
    }
    let served = auth.log_line(|line| line.contains("request served")).await;
    assert!(served.contains(&format!("\"trace.id\":\"{TRACE}\"")), "{served}");
}

#[tokio::test]
async fn spans_of_a_trace_that_is_not_sampled_are_written_only_after_a_failure() {
    let database = Database::create().await;
    let mut environment = traced(environment(&database));
    let system = Function::start("system", environment.clone()).await;
    let config = http("GET", "/v1/config", &json!({}), None, "203.0.113.7");
    for _ in 0..2 {
        system.invoke_traced(NOT_SAMPLED, config.clone()).await.expect("an answer");
    }
    // The metrics of the second request are behind the spans of the first one.
    system.log_line(|line| line.contains("request served")).await;
    sleep(POLL_INTERVAL * 5).await;
    assert!(!system.log().concat().contains("otlp"), "{:#?}", system.log());

    environment.insert("DATABASE_URL".to_owned(), "postgresql://nobody:nothing@127.0.0.1:9/none".to_owned());
    let auth = Function::start("auth", environment).await;
    let login = json!({ "email": "a@example.com", "password": "a long enough phrase" }).to_string();
    let headers = json!({ "content-type": "application/json" });
    let event = http("POST", "/v1/auth/login", &headers, Some(&login), "203.0.113.7");
    let answer = auth.invoke_traced(NOT_SAMPLED, event).await.expect("an answer");
    assert_eq!(answer["statusCode"], 503, "{answer}");
    let line = auth.log_line(|line| line.contains("\"otlp\":true")).await;
    assert!(line.contains("POST /v1/auth/login") && line.contains("error.type"), "{line}");
}

#[tokio::test]
async fn function_that_answers_calls_no_receiver() {
    let database = Database::create().await;
    let receiver = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    receiver.set_nonblocking(true).expect("a setting");
    let port = receiver.local_addr().expect("an address").port();
    let mut environment = traced(environment(&database));
    environment.extend([
        ("TRACING_ENDPOINT".to_owned(), receivers::tracing_endpoint(port)),
        ("SENTRY_DSN".to_owned(), receivers::sentry_dsn(port)),
    ]);
    let auth = Function::start("auth", environment.clone()).await;
    register(&auth, HEADER).await;
    environment.insert("DATABASE_URL".to_owned(), "postgresql://nobody:nothing@127.0.0.1:9/none".to_owned());
    let broken = Function::start("auth", environment).await;
    let login = json!({ "email": "a@example.com", "password": "a long enough phrase" }).to_string();
    let headers = json!({ "content-type": "application/json" });
    let event = http("POST", "/v1/auth/login", &headers, Some(&login), "203.0.113.7");
    let answer = broken.invoke_traced(HEADER, event).await.expect("an answer");
    assert_eq!(answer["statusCode"], 503, "{answer}");
    // The spans are written, so everything that follows the answer is done.
    for function in [auth, broken] {
        function.log_line(|line| line.contains("\"otlp\":true")).await;
    }
    let connected = receiver.accept().expect_err("no connection");
    assert_eq!(connected.kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn error_crash_and_timeout_reach_sentry_once_although_it_was_down() {
    let database = Database::create().await;
    let mut receivers = Receivers::prepare();
    receivers.start_collector();
    let mut broken = traced(environment(&database));
    broken.insert("DATABASE_URL".to_owned(), "postgresql://nobody:canary@127.0.0.1:9/none".to_owned());
    let auth = Function::start("auth", broken).await;
    let login = json!({ "email": "canary@example.com", "password": "canary password" }).to_string();
    let headers = json!({ "content-type": "application/json", "user-agent": "canary-agent" });
    let login = http("POST", "/v1/auth/login", &headers, Some(&login), "203.0.113.77");
    auth.invoke_traced(HEADER, login).await.expect("an answer");
    auth.log_line(|line| line.contains("\"otlp\":true")).await;
    let mut lines = wanted(&auth);
    for (status, kind) in [("timeout", Value::Null), ("failure", json!("Runtime.ExitError"))] {
        // AWS Lambda Developer Guide, "Telemetry API `Event` schema reference".
        let record = json!({
            "requestId": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa", "status": status, "errorType": kind,
            "metrics": { "billedDurationMs": 28000, "durationMs": 28000.0, "maxMemoryUsedMB": 90, "memorySizeMB": 256 },
            "tracing": { "spanId": "54565fb41ac79632", "type": "X-Amzn-Trace-Id", "value": HEADER }
        });
        lines.push(
            json!({ "time": "2026-01-02T03:04:05.000Z", "type": "platform.report", "record": record })
                .to_string(),
        );
    }

    let observe = Function::start("observe", receivers.environment(&database)).await;
    let error = observe.invoke(event(&lines)).await.expect_err("Sentry is down");
    assert!(
        error["errorMessage"].as_str().is_some_and(|text| text.contains("SENTRY_DSN is unavailable")),
        "{error}"
    );
    observe.log_line(|line| line.contains("job not finished; it runs again")).await;
    assert!(!observe.log().concat().contains("\"level\":\"ERROR\""), "{:#?}", observe.log());

    receivers.start_sentry();
    // By CloudWatch again, and as Lambda's record of what it gave up.
    let undelivered = json!({ "version": "1.0", "requestPayload": event(&lines), "responsePayload": error });
    let from_queue = json!({ "Records": [{ "messageId": "m", "body": undelivered.to_string(), "eventSource": "aws:sqs" }] });
    for event in [event(&lines), from_queue] {
        let report = observe.invoke(event).await.expect("a delivery");
        assert_eq!((&report["errors"], &report["batchItemFailures"]), (&json!(3), &json!([])), "{report}");
    }
    let errors = receivers.errors();
    let ids: BTreeSet<_> = errors.iter().map(|event| event["event_id"].to_string()).collect();
    assert_eq!(ids.len(), 3, "{errors:#?}");
    for (kind, level) in
        [("request failed", "error"), ("invocation timed out", "fatal"), ("invocation failed", "fatal")]
    {
        let found = errors.iter().find(|event| event["exception"]["values"][0]["type"] == kind);
        let event = found.unwrap_or_else(|| panic!("no {kind} in {errors:#?}"));
        // Level error is the default of the protocol.
        assert_eq!(event["level"].as_str().unwrap_or("error"), level, "{event}");
        assert_eq!(event["contexts"]["trace"]["trace_id"], TRACE, "{event}");
        assert_eq!(event["server_name"], "arches-test-app-Auth-XyZ", "{event}");
    }
    let all = Value::from(errors).to_string();
    for canary in ["canary", "203.0.113.77"] {
        assert!(!all.contains(canary), "{canary} in {all}");
    }
}

#[tokio::test]
async fn spans_wait_for_a_collector_that_is_down_and_is_started_again() {
    let database = Database::create().await;
    let mut receivers = Receivers::start();
    let system = Function::start("system", traced(environment(&database))).await;
    let observe = Function::start("observe", receivers.environment(&database)).await;
    system
        .invoke_traced(HEADER, http("GET", "/v1/config", &json!({}), None, "203.0.113.7"))
        .await
        .expect("an answer");
    system.log_line(|line| line.contains("\"otlp\":true")).await;
    let lines = event(&wanted(&system));

    drop(receivers.collector.take());
    let error = observe.invoke(lines.clone()).await.expect_err("the collector is down");
    assert!(
        error["errorMessage"].as_str().is_some_and(|text| text.contains("TRACING_ENDPOINT is unavailable")),
        "{error}"
    );

    receivers.start_collector();
    observe.invoke(lines).await.expect("a delivery");
    let spans = receivers.spans(1).await;
    assert!(spans.iter().any(|span| span["name"] == "GET /v1/config"), "{spans:#?}");
}

#[tokio::test]
async fn text_of_a_request_is_one_trace_through_its_queues_to_the_model() {
    let (database, receivers) = (Database::create().await, Receivers::start());
    let ingestion = Ingestion::create().await;
    let environment = traced(ingestion.environment(&database));
    let auth = Function::start("auth", environment.clone()).await;
    let registered = register(&auth, NOT_SAMPLED).await;
    database.execute("UPDATE users SET email_verified_at = created_at").await;
    let token = registered["data"]["accessToken"].as_str().expect("a token");
    let bearer = json!({ "authorization": format!("Bearer {token}"), "content-type": "application/json" });

    let organizations = Function::start("organizations", environment.clone()).await;
    let list = http("GET", "/v1/organizations", &bearer, None, "203.0.113.77");
    let list = organizations.invoke_traced(NOT_SAMPLED, list).await.expect("an answer");
    let organization = body(&list)["data"][0]["id"].as_str().expect("an organization").to_owned();

    let artifacts = Function::start("artifacts", environment.clone()).await;
    let text = json!({ "name": "canary.txt", "text": "The canary sings in the morning." }).to_string();
    let path = format!("/v1/organizations/{organization}/artifacts");
    let created =
        artifacts.invoke_traced(HEADER, http("POST", &path, &bearer, Some(&text), "203.0.113.77")).await;
    let created = created.expect("an answer");
    assert_eq!(created["statusCode"], 201, "{created}");
    artifacts.log_line(|line| line.contains("\"otlp\":true")).await;

    let mut functions = vec![artifacts];
    // `index` cuts the text, and sends itself a message to embed the chunks.
    for queue in ["extract", "index", "index"] {
        let mut batch = ingestion.receive(queue, RECEIVE_TIMEOUT).await.expect("a message");
        if queue == "extract" {
            // In AWS, S3 passes on the header of the request that wrote the object. The stand-in for S3 does not.
            let messages = batch.event["Records"].as_array_mut().expect("messages").iter_mut();
            let of_file = messages.filter(|message| !message["body"].to_string().contains("TestEvent"));
            of_file.for_each(|message| message["attributes"]["AWSTraceHeader"] = json!(HEADER));
        }
        let function = Function::start(queue, environment.clone()).await;
        let answer = function.invoke_traced(OF_QUEUE, batch.event.clone()).await.expect("a response");
        assert_eq!(answer["batchItemFailures"], json!([]), "{:#?}", function.log());
        function.log_line(|line| line.contains("\"otlp\":true")).await;
        ingestion.settle(&batch, Some(&answer), Duration::ZERO).await;
        functions.push(function);
    }

    let observe = Function::start("observe", receivers.environment(&database)).await;
    let lines: Vec<_> = functions.iter().flat_map(wanted).collect();
    let report = observe.invoke(event(&lines)).await.expect("a delivery");
    let spans = receivers
        .spans(usize::try_from(report["spans"].as_u64().expect("a number")).expect("a number"))
        .await;
    let spans: Vec<_> = spans.into_iter().filter(|span| span["traceId"] == TRACE).collect();
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().expect("a name")).collect();
    for name in ["POST /v1/organizations/{organizationId}/artifacts", "transaction", "S3.PutObject", "POST"] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    for (start, end) in
        [("process ", "-extract"), ("send ", "-index"), ("process ", "-index"), ("embeddings ", "")]
    {
        assert!(
            names.iter().any(|name| name.starts_with(start) && name.ends_with(end)),
            "no {start}…{end} in {names:?}"
        );
    }
    // Each span but the first has its parent in the trace.
    let ids: BTreeSet<_> = spans.iter().map(|span| span["spanId"].to_string()).collect();
    let outside = spans.iter().filter(|span| !ids.contains(&span["parentSpanId"].to_string()));
    // The request, and the message of S3: their parent is a span of X-Ray.
    assert_eq!(outside.count(), 2, "{spans:#?}");
    let all = Value::from(spans).to_string();
    for canary in ["canary", "sings", "203.0.113.77", organization.as_str()] {
        assert!(!all.contains(canary), "{canary} in {all}");
    }
}

#[tokio::test]
async fn malformed_settings_are_one_sentence_at_start() {
    let database = Database::create().await;
    for (name, value, sentence) in [
        (
            "SENTRY_DSN",
            "https://canary.example/1",
            "SENTRY_DSN is not a DSN; expected https://<key>@<host>/<project>",
        ),
        ("TRACING_ENDPOINT", "http://jaeger:14268/api/traces", "such as http://jaeger:4318/v1/traces"),
    ] {
        let mut environment = environment(&database);
        environment.insert(name.to_owned(), value.to_owned());
        let mut observe = Function::start("observe", environment).await;
        assert!(!observe.wait_for_exit().await.success());
        let line = observe.log_line(|line| line.contains("function not started")).await;
        assert!(line.contains(sentence) && !line.contains("canary"), "{line}");
    }
}
