//! `smoke`, called as CodeDeploy calls it, on versions that are the real functions, or worse.

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

const FUNCTIONS: [&str; 5] = ["system", "docs", "auth", "organizations", "users"];
const TIME: Duration = Duration::from_mins(1);
const PASSWORD: &str = "a synthetic but long phrase";

/// What a version does that is not a function of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ill {
    Says500,
    Hangs,
    Errors,
    Garbage,
    Missing,
}

/// Lambda and CodeDeploy, as far as `smoke` needs them.
#[derive(Clone)]
struct Aws {
    functions: Arc<HashMap<&'static str, Function>>,
    ill: Arc<Mutex<HashMap<&'static str, Ill>>>,
    told: Arc<Mutex<Vec<Value>>>,
    /// Whether CodeDeploy answers.
    away: Arc<Mutex<bool>>,
    url: Arc<Mutex<String>>,
}

impl Aws {
    async fn start(database: &Database, changes: &[(&str, &str)]) -> Self {
        let mut functions = HashMap::new();
        for name in FUNCTIONS {
            let mut environment = environment(database);
            environment.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            functions.insert(name, Function::start(name, environment).await);
        }
        let aws = Self {
            functions: Arc::new(functions),
            ill: Arc::default(),
            told: Arc::default(),
            away: Arc::default(),
            url: Arc::default(),
        };
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .fallback(tell)
            .with_state(aws.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        *aws.url.lock().expect("a lock") = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the stand-in serves") });
        aws
    }

    fn ails(&self, name: &'static str, ill: Ill) {
        self.ill.lock().expect("a lock").insert(name, ill);
    }

    /// What CodeDeploy was told.
    fn told(&self) -> Vec<Value> {
        self.told.lock().expect("a lock").clone()
    }
}

async fn invoke(State(aws): State<Aws>, Path(arn): Path<String>, body: Bytes) -> axum::response::Response {
    let name = FUNCTIONS.into_iter().find(|name| arn.contains(&format!(":function:{name}:7")));
    let name = name.unwrap_or_else(|| panic!("{arn} is no version"));
    let ill = aws.ill.lock().expect("a lock").get(name).copied();
    let error = (HeaderName::from_static("x-amz-function-error"), "Unhandled".to_owned());
    match ill {
        Some(Ill::Says500) => {
            Json(json!({ "statusCode": 500, "headers": {}, "body": "{}", "isBase64Encoded": false }))
                .into_response()
        }
        Some(Ill::Hangs) => std::future::pending().await,
        Some(Ill::Errors) => ([error], Json(json!({ "errorMessage": "Task timed out" }))).into_response(),
        Some(Ill::Garbage) => Json(json!(["accessToken"])).into_response(),
        Some(Ill::Missing) => {
            let kind = (HeaderName::from_static("x-amzn-errortype"), "ResourceNotFoundException".to_owned());
            (StatusCode::NOT_FOUND, [kind], Json(json!({ "Message": "Function not found" }))).into_response()
        }
        None => {
            let event = serde_json::from_slice(&body).expect("a JSON event");
            match aws.functions[name].invoke(event).await {
                Ok(answer) => Json(answer).into_response(),
                Err(failure) => ([error], Json(failure)).into_response(),
            }
        }
    }
}

async fn tell(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    assert_eq!(target, Some("CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus"));
    if *aws.away.lock().expect("a lock") {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let told: Value = serde_json::from_slice(&body).expect("a JSON request");
    let answer =
        json!({ "lifecycleEventHookExecutionId": told["lifecycleEventHookExecutionId"] }).to_string();
    aws.told.lock().expect("a lock").push(told);
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

/// One run; its result and the last that CodeDeploy was told.
async fn run(aws: &Aws, smoke: &Function) -> (Value, Value) {
    let event = event();
    let report = smoke.invoke_within(TIME, event.clone()).await.expect("a report");
    let told = aws.told().pop().expect("CodeDeploy was told");
    for id in ["DeploymentId", "LifecycleEventHookExecutionId"] {
        let member = id[..1].to_lowercase() + &id[1..];
        assert_eq!(told[member], event[id]);
    }
    assert_eq!(told["status"], report["status"]);
    (report, told)
}

/// The first check that was not passed: its name and why.
fn failure(report: &Value) -> (String, String) {
    assert_eq!(report["status"], "Failed", "{report}");
    let failed = report["checks"].as_array().expect("checks").iter().find(|check| check["passed"] == false);
    let text = |member: &str| failed.expect("a failure")[member].as_str().expect("a text").to_owned();
    (text("name"), text("reason"))
}

#[tokio::test]
async fn versions_that_work_get_traffic_and_no_session_is_left_behind() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    for _ in 0..2 {
        let (report, _) = run(&aws, &smoke).await;
        assert_eq!(report["status"], "Succeeded", "{report}");
        let names: Vec<_> =
            report["checks"].as_array().expect("checks").iter().map(|check| check["name"].clone()).collect();
        assert_eq!(names, ["health", "ready", "docs", "login", "organizations", "users", "logout"]);
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
async fn a_version_that_is_ill_gets_none_and_the_report_says_which_and_why() {
    let database = Database::create().await;
    for (name, check) in [
        ("system", "health"),
        ("docs", "docs"),
        ("auth", "login"),
        ("organizations", "organizations"),
        ("users", "users"),
    ] {
        let aws = Aws::start(&database, &[]).await;
        let smoke = smoke(&aws, PASSWORD).await;
        for (ill, reason) in [
            (Ill::Says500, "the status is 500"),
            (Ill::Errors, "the function failed"),
            (Ill::Garbage, "not a response to a gateway"),
            (Ill::Missing, "invocation failed"),
        ] {
            aws.ails(name, ill);
            let (report, _) = run(&aws, &smoke).await;
            let (failed, why) = failure(&report);
            assert_eq!(failed, check, "{report}");
            assert!(why.contains(reason), "{why}");
        }
    }
    let open = database.value::<i64>("SELECT count(*) FROM sessions WHERE revoked_at IS NULL").await;
    assert_eq!(open, 0, "a session ends even if what follows the sign-in is ill");
}

#[tokio::test]
async fn a_version_that_hangs_gets_none_however_little_time_there_is() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    aws.ails("docs", Ill::Hangs);
    let (report, _) = run(&aws, &smoke).await;
    assert_eq!(failure(&report).0, "docs");
    // Two seconds besides what is kept for telling CodeDeploy: less than one call may take.
    let hurried = smoke.invoke_within(Duration::from_secs(14), event()).await.expect("a report");
    assert_eq!(failure(&hurried), ("everything".to_owned(), "deadline exceeded".to_owned()));
    assert_eq!(aws.told().last().expect("CodeDeploy was told")["status"], "Failed");
}

#[tokio::test]
async fn versions_without_their_database_get_none() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none")]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    let (report, _) = run(&aws, &smoke).await;
    let (check, why) = failure(&report);
    assert_eq!(check, "ready");
    assert!(why.contains("503"), "{why}");
}

#[tokio::test]
async fn a_wrong_password_is_a_failure_and_makes_no_second_account() {
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
async fn five_at_once_make_one_account_and_all_succeed() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let runs = FUNCTIONS.map(|_| async {
        let smoke = smoke(&aws, PASSWORD).await;
        smoke.invoke_within(TIME, event()).await.expect("a report")
    });
    for report in join_all(runs).await {
        assert_eq!(report["status"], "Succeeded", "{report}");
    }
    assert_eq!(database.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert_eq!(aws.told().len(), FUNCTIONS.len());
}

#[tokio::test]
async fn when_codedeploy_cannot_be_told_the_function_fails() {
    let database = Database::create().await;
    let aws = Aws::start(&database, &[]).await;
    let smoke = smoke(&aws, PASSWORD).await;
    *aws.away.lock().expect("a lock") = true;
    let error = smoke.invoke_within(TIME, event()).await.expect_err("nobody was told");
    assert!(
        error["errorMessage"].as_str().expect("a text").contains("report to CodeDeploy failed"),
        "{error}"
    );
    assert!(aws.told().is_empty());
}
