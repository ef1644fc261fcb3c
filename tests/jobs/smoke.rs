//! `smoke`, called by CodeDeploy, on real functions and on broken ones.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::IntoResponse,
    routing::post,
};
use futures_util::future::join_all;
use harness::{Database, environment, runtime_api::Function, service};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

const FUNCTIONS: [&str; 10] =
    ["system", "docs", "auth", "organizations", "users", "artifacts", "search", "chat", "answers", "oauth"];
/// What `artifacts` needs to start. The checks call neither storage nor a queue.
const STORAGE: [(&str, &str); 3] = [
    ("ARTIFACT_BUCKET", "smoke-artifacts"),
    ("EXTRACT_QUEUE_URL", "http://127.0.0.1:1/extract"),
    ("INDEX_QUEUE_URL", "http://127.0.0.1:1/index"),
];
const RUN_TIMEOUT: Duration = Duration::from_mins(1);
const PASSWORD: &str = "a synthetic but long phrase";

/// How a broken version behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Says500,
    Hangs,
    Errors,
    Garbage,
    Missing,
    /// Refused by Lambda with this error, the given number of times. Then the version works.
    NotReady(&'static str, usize),
}

/// Lambda and CodeDeploy, as far as `smoke` needs them.
#[derive(Clone)]
struct Aws {
    functions: Arc<HashMap<&'static str, Function>>,
    fault: Arc<Mutex<HashMap<&'static str, Fault>>>,
    /// The invocations of each function, including those that were refused.
    invocations: Arc<Mutex<HashMap<&'static str, usize>>>,
    reports: Arc<Mutex<Vec<Value>>>,
    /// Whether CodeDeploy is unavailable.
    unavailable: Arc<Mutex<bool>>,
    url: Arc<Mutex<String>>,
}

impl Aws {
    async fn start(database: &Database, changes: &[(&str, &str)]) -> Self {
        let mut functions = HashMap::new();
        for name in FUNCTIONS {
            let mut environment = environment(database);
            let changes = STORAGE.iter().chain(changes);
            environment.extend(changes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            functions.insert(name, Function::start(name, environment).await);
        }
        let aws = Self {
            functions: Arc::new(functions),
            fault: Arc::default(),
            invocations: Arc::default(),
            reports: Arc::default(),
            unavailable: Arc::default(),
            url: Arc::default(),
        };
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .fallback(receive_report)
            .with_state(aws.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        *aws.url.lock().expect("a lock") = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the stand-in serves") });
        aws
    }

    fn set_fault(&self, name: &'static str, fault: Fault) {
        self.fault.lock().expect("a lock").insert(name, fault);
    }

    /// Returns the number of invocations of `name` since the last call.
    fn invocations(&self, name: &str) -> usize {
        self.invocations.lock().expect("a lock").remove(name).unwrap_or_default()
    }

    /// Returns the reports that CodeDeploy got.
    fn reports(&self) -> Vec<Value> {
        self.reports.lock().expect("a lock").clone()
    }
}

async fn invoke(State(aws): State<Aws>, Path(arn): Path<String>, body: Bytes) -> axum::response::Response {
    let name = FUNCTIONS.into_iter().find(|name| arn.contains(&format!(":function:{name}:7")));
    let name = name.unwrap_or_else(|| panic!("{arn} is no version"));
    *aws.invocations.lock().expect("a lock").entry(name).or_default() += 1;
    let fault = next_fault(&aws, name);
    let error = (HeaderName::from_static("x-amz-function-error"), "Unhandled".to_owned());
    match fault {
        Some(Fault::Says500) => {
            Json(json!({ "statusCode": 500, "headers": {}, "body": "{}", "isBase64Encoded": false }))
                .into_response()
        }
        Some(Fault::Hangs) => std::future::pending().await,
        Some(Fault::Errors) => ([error], Json(json!({ "errorMessage": "Task timed out" }))).into_response(),
        Some(Fault::Garbage) => Json(json!(["accessToken"])).into_response(),
        Some(Fault::Missing) => refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        Some(Fault::NotReady(kind, _)) => refuse(StatusCode::CONFLICT, kind),
        None => {
            let event = serde_json::from_slice(&body).expect("a JSON event");
            match aws.functions[name].invoke(event).await {
                Ok(answer) => Json(answer).into_response(),
                Err(failure) => ([error], Json(failure)).into_response(),
            }
        }
    }
}

fn next_fault(aws: &Aws, name: &'static str) -> Option<Fault> {
    let mut faults = aws.fault.lock().expect("a lock");
    let fault = faults.get(name).copied();
    match fault {
        Some(Fault::NotReady(_, 0)) => {
            faults.remove(name);
            None
        }
        Some(Fault::NotReady(kind, times)) => {
            faults.insert(name, Fault::NotReady(kind, times - 1));
            fault
        }
        _ => fault,
    }
}

/// Refuses an invocation as Lambda does.
fn refuse(status: StatusCode, kind: &'static str) -> axum::response::Response {
    let kind = (HeaderName::from_static("x-amzn-errortype"), kind);
    (status, [kind], Json(json!({ "Message": "a reason" }))).into_response()
}

async fn receive_report(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    assert_eq!(target, Some("CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus"));
    if *aws.unavailable.lock().expect("a lock") {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let reported: Value = serde_json::from_slice(&body).expect("a JSON request");
    let answer =
        json!({ "lifecycleEventHookExecutionId": reported["lifecycleEventHookExecutionId"] }).to_string();
    aws.reports.lock().expect("a lock").push(reported);
    ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], answer).into_response()
}

async fn smoke(aws: &Aws, password: &str) -> Function {
    let mut environment: HashMap<String, String> =
        ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
            .map(|name| (name.to_owned(), service(name)))
            .into();
    environment.insert("AWS_ENDPOINT_URL".to_owned(), aws.url.lock().expect("a lock").clone());
    environment.insert("SMOKE_EMAIL".to_owned(), "success@simulator.amazonses.com".to_owned());
    environment.insert("SMOKE_PASSWORD".to_owned(), password.to_owned());
    for name in FUNCTIONS {
        let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{name}:7");
        environment.insert(format!("SMOKE_{}", name.to_uppercase()), arn);
    }
    Function::start("smoke", environment).await
}

fn event() -> Value {
    json!({ "DeploymentId": "d-1234", "LifecycleEventHookExecutionId": Uuid::new_v4().to_string(), "Combined": "x" })
}

/// Runs `smoke`. Returns its result and the report that CodeDeploy got.
async fn run(aws: &Aws, smoke: &Function) -> (Value, Value) {
    let event = event();
    let report = smoke.invoke_within(RUN_TIMEOUT, event.clone()).await.expect("a report");
    let reported = aws.reports().pop().expect("CodeDeploy got a report");
    for id in ["DeploymentId", "LifecycleEventHookExecutionId"] {
        let member = id[..1].to_lowercase() + &id[1..];
        assert_eq!(reported[member], event[id]);
    }
    assert_eq!(reported["status"], report["status"]);
    (report, reported)
}

/// Returns the name and the reason of the first failed check.
fn failure(report: &Value) -> (String, String) {
    assert_eq!(report["status"], "Failed", "{report}");
    let failed = report["checks"].as_array().expect("checks").iter().find(|check| check["passed"] == false);
    let text = |member: &str| failed.expect("a failure")[member].as_str().expect("a text").to_owned();
    (text("name"), text("reason"))
}

#[tokio::test]
async fn working_versions_succeed_and_leave_no_session() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    for _ in 0..2 {
        let (report, _) = run(&aws, &smoke).await;
        assert_eq!(report["status"], "Succeeded", "{report}");
        let names: Vec<_> =
            report["checks"].as_array().expect("checks").iter().map(|check| check["name"].clone()).collect();
        assert_eq!(
            names,
            [
                "health",
                "ready",
                "docs",
                "login",
                "organizations",
                "users",
                "artifacts",
                "search",
                "chat",
                "answers",
                "oauth",
                "logout"
            ]
        );
        let open = database.value::<i64>("SELECT count(*) FROM sessions WHERE revoked_at IS NULL").await;
        assert_eq!(open, 0);
    }
    assert_eq!(database.value::<i64>("SELECT count(*) FROM users").await, 1);
    smoke.log_line(|line| line.contains("SmokeChecks") && line.contains("passed")).await;
    for line in smoke.log() {
        assert!(!line.contains(PASSWORD) && !line.contains("eyJ"), "{line}");
    }
}

#[tokio::test]
async fn broken_version_fails_and_is_named_in_the_report() {
    let database = Database::create().await;
    for (name, check) in [
        ("system", "health"),
        ("docs", "docs"),
        ("auth", "login"),
        ("organizations", "organizations"),
        ("users", "users"),
        ("artifacts", "artifacts"),
        ("search", "search"),
        ("chat", "chat"),
        ("answers", "answers"),
        ("oauth", "oauth"),
    ] {
        let aws = Aws::start(&database, &[]).await;
        let smoke = smoke(&aws, PASSWORD).await;
        for (fault, reason) in [
            (Fault::Says500, "the status is 500"),
            (Fault::Errors, "the function failed"),
            (Fault::Garbage, "not a response to a gateway"),
            (Fault::Missing, "invocation failed"),
        ] {
            aws.set_fault(name, fault);
            let (report, _) = run(&aws, &smoke).await;
            let (failed, why) = failure(&report);
            assert_eq!(failed, check, "{report}");
            assert!(why.contains(reason), "{why}");
            assert_eq!(aws.invocations(name), 1, "an error of the version is not retried");
        }
    }
    let open = database.value::<i64>("SELECT count(*) FROM sessions WHERE revoked_at IS NULL").await;
    assert_eq!(open, 0, "the session ends even if a later check fails");
}

#[tokio::test]
async fn version_that_lambda_cannot_invoke_yet_is_tried_again() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    for kind in ["ResourceConflictException", "ResourceNotReadyException", "AccessDeniedException"] {
        aws.set_fault("docs", Fault::NotReady(kind, 2));
        let (report, _) = run(&aws, &smoke).await;
        assert_eq!(report["status"], "Succeeded", "{report}");
        assert_eq!(aws.invocations("docs"), 3);
    }
}

#[tokio::test]
async fn hanging_version_fails_even_with_little_time() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    aws.set_fault("docs", Fault::Hangs);
    let (report, _) = run(&aws, &smoke).await;
    assert_eq!(failure(&report).0, "docs");
    // Two seconds more than the reserve for the report to CodeDeploy: less than the limit of one call.
    let hurried = smoke.invoke_within(Duration::from_secs(14), event()).await.expect("a report");
    assert_eq!(failure(&hurried), ("everything".to_owned(), "deadline exceeded".to_owned()));
    assert_eq!(aws.reports().last().expect("CodeDeploy got a report")["status"], "Failed");
}

#[tokio::test]
async fn versions_without_a_database_fail() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none")]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    let (report, _) = run(&aws, &smoke).await;
    let (check, why) = failure(&report);
    assert_eq!(check, "ready");
    assert!(why.contains("503"), "{why}");
}

#[tokio::test]
async fn wrong_password_fails_and_creates_no_second_account() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    run(&aws, &smoke(&aws, PASSWORD).await).await;
    let wrong = "another quite long phrase";
    let smoke = smoke(&aws, wrong).await;
    let (report, _) = run(&aws, &smoke).await;
    let (check, why) = failure(&report);
    assert_eq!(check, "login");
    assert!(why.contains("wrong-credentials"), "{why}");
    assert_eq!(database.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert!(smoke.log().iter().all(|line| !line.contains(wrong)));
}

#[tokio::test]
async fn concurrent_runs_succeed_with_one_account() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smokes = join_all(FUNCTIONS.map(|_| smoke(&aws, PASSWORD))).await;
    let runs = smokes.iter().map(|smoke| smoke.invoke_within(RUN_TIMEOUT, event()));
    for report in join_all(runs).await {
        let report = report.expect("a report");
        assert_eq!(report["status"], "Succeeded", "{report}");
    }
    assert_eq!(database.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert_eq!(aws.reports().len(), FUNCTIONS.len());
}

#[tokio::test]
async fn function_fails_if_codedeploy_is_unavailable() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    *aws.unavailable.lock().expect("a lock") = true;
    let error = smoke.invoke_within(RUN_TIMEOUT, event()).await.expect_err("no report arrives");
    assert!(
        error["errorMessage"].as_str().expect("a text").contains("report to CodeDeploy failed"),
        "{error}"
    );
    assert!(aws.reports().is_empty());
}
