//! `rotate-redis`, called by Secrets Manager. moto cannot change the passwords of a user, so a stand-in answers for `ElastiCache`: it sets
//! them in the real Redis.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode};
use harness::{TestApp, create_secret, runtime_api::Function, service, split_credentials};
use redis::{Client, ErrorKind, RedisResult, cmd};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;
use uuid::Uuid;

use crate::keys::{STEPS, current, proxy::AwsProxy};

/// Has the access string of the user.
const TEMPLATE: &str = include_str!("../../infra/data/cache.yaml");

/// `ElastiCache` with one user.
#[derive(Clone)]
struct Cache {
    user: String,
    /// How many of the next answers say that the user is being changed.
    changing: Arc<Mutex<usize>>,
    /// The status of the user after that.
    status: Arc<Mutex<&'static str>>,
}

/// Runs a command of Redis as its administrator.
async fn administer(command: &str, arguments: &[&str]) -> Vec<redis::Value> {
    let client = Client::open(service("TEST_REDIS_URL")).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let answer = cmd(command).arg(arguments).query_async(&mut connection).await.expect("an answer");
    if let redis::Value::Array(entries) = answer { entries } else { Vec::new() }
}

impl Cache {
    /// Creates the user with `password`.
    async fn start(password: &str) -> (Self, String) {
        let user = format!("user-{}", Uuid::new_v4().simple());
        let (_, access) = TEMPLATE.split_once("AccessString: ").expect("an access string");
        let access = access.lines().next().expect("a line").split(' ');
        let (name, password) = (user.as_str(), format!(">{password}"));
        administer("ACL", &["SETUSER", name, &password].into_iter().chain(access).collect::<Vec<_>>()).await;
        let cache = Self { user, changing: Arc::default(), status: Arc::new(Mutex::new("active")) };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(cache.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the stand-in serves") });
        (cache, url)
    }

    /// Connects with `password`.
    async fn log_in(&self, password: &str) -> RedisResult<()> {
        let (address, _) = split_credentials(&service("TEST_REDIS_URL"));
        let url = address.replace("redis://", &format!("redis://{}:{password}@", self.user));
        let mut connection = Client::open(url)?.get_multiplexed_async_connection().await?;
        cmd("PING").exec_async(&mut connection).await
    }

    async fn assert_refused(&self, password: &str) {
        let error = self.log_in(password).await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::AuthenticationFailed);
    }
}

/// Answers as `ElastiCache` does (API Reference, `ModifyUser` and `DescribeUsers`).
async fn answer(State(cache): State<Cache>, body: String) -> (StatusCode, String) {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert_eq!((form["UserId"].as_str(), form["Version"].as_str()), ("arches-dev", "2015-02-02"));
    let changing = {
        let mut changing = cache.changing.lock().expect("a lock");
        let now = *changing > 0;
        *changing = changing.saturating_sub(1);
        now
    };
    if form["Action"] == "ModifyUser" {
        if changing {
            let code = "<ErrorResponse><Error><Code>InvalidUserState</Code></Error></ErrorResponse>";
            return (StatusCode::BAD_REQUEST, code.to_owned());
        }
        assert_eq!(form["AuthenticationMode.Type"], "password");
        let passwords =
            [1, 2].map(|n| format!(">{}", form[&format!("AuthenticationMode.Passwords.member.{n}")]));
        administer("ACL", &["SETUSER", &cache.user, "resetpass", &passwords[0], &passwords[1]]).await;
        *cache.changing.lock().expect("a lock") = 1;
    }
    let status = if changing { "modifying" } else { *cache.status.lock().expect("a lock") };
    let user = format!(
        "<member><UserId>arches-dev</UserId><UserName>default</UserName><Status>{status}</Status></member>"
    );
    (StatusCode::OK, format!("<Response><Users>{user}</Users></Response>"))
}

struct Rotations {
    cache: Cache,
    proxy: AwsProxy,
    function: Function,
    secret: String,
}

impl Rotations {
    async fn new() -> Self {
        let (cache, url) = Cache::start("first").await;
        let secret = create_secret(&json!({ "username": cache.user, "password": "first" })).await;
        let proxy = AwsProxy::start().await;
        let mut environment = proxy.environment();
        environment.insert("REDIS_USER_ID".to_owned(), "arches-dev".to_owned());
        environment.insert("REDIS_CREDENTIALS".to_owned(), secret.clone());
        environment.insert("AWS_ENDPOINT_URL_ELASTICACHE".to_owned(), url);
        let function = Function::start("rotate-redis", environment).await;
        Self { cache, proxy, function, secret }
    }

    /// Starts the API functions with this user of Redis.
    async fn app(&self) -> TestApp {
        let (address, _) = split_credentials(&service("TEST_REDIS_URL"));
        TestApp::with(&[("REDIS_URL", &address), ("REDIS_CREDENTIALS", &self.secret)]).await
    }

    fn begin(&self) -> String {
        let version = Uuid::new_v4().to_string();
        self.proxy.begin_rotation(&self.secret, &version);
        version
    }

    async fn step(&self, version: &str, step: &str) -> Result<Value, Value> {
        let event = json!({ "Step": step, "SecretId": self.secret, "ClientRequestToken": version });
        self.function.invoke(event).await
    }

    async fn password(&self) -> String {
        current(&self.secret).await["password"].as_str().expect("a password").to_owned()
    }
}

/// Closes the connections of the user, and checks that the first call after that succeeds.
async fn assert_cache_reconnects(rotations: &Rotations, app: &TestApp, after: &str) {
    administer("CLIENT", &["KILL", "USER", &rotations.cache.user]).await;
    let mut ping = redis::pipe();
    ping.cmd("PING");
    let answer: Result<Vec<String>, _> = app.state.app.redis.query(&ping).await;
    answer.unwrap_or_else(|error| panic!("{after}: {error:?}"));
}

#[tokio::test]
async fn password_of_the_cache_rotates_without_a_failed_call() {
    let rotations = Rotations::new().await;
    let app = rotations.app().await;
    let ada = app.verified_person("Ada").await;
    let mut known = vec!["first".to_owned()];
    for _ in 0..2 {
        // It has read the version before the rotation, and does not read it again.
        let app = app.second_instance();
        let version = rotations.begin();
        for step in STEPS {
            for _ in ["once", "again"] {
                rotations.step(&version, step).await.unwrap_or_else(|error| panic!("{step}: {error}"));
                for password in [&rotations.password().await, known.last().expect("what functions have read")]
                {
                    rotations.cache.log_in(password).await.unwrap_or_else(|error| panic!("{step}: {error}"));
                }
                assert_cache_reconnects(&rotations, &app, step).await;
            }
        }
        known.push(rotations.password().await);
        ada.create_organization("Engines").await;
    }
    assert_eq!(
        current(&rotations.secret).await["username"],
        json!(rotations.cache.user),
        "other members stay"
    );
    rotations.cache.assert_refused(&known[0]).await;
    let log = rotations.function.log().concat();
    assert!(known[1..].iter().all(|password| !log.contains(password.as_str())));
    // The user may do all that the API does.
    for entry in administer("ACL", &["LOG"]).await {
        let entry = format!("{entry:?}");
        assert!(!(entry.contains(&rotations.cache.user) && entry.contains("\"command\"")), "{entry}");
    }
}

#[tokio::test]
async fn steps_out_of_order_never_make_a_password_current_that_does_not_work() {
    let rotations = Rotations::new().await;
    let version = rotations.begin();
    for too_early in ["setSecret", "finishSecret"] {
        let error = rotations.step(&version, too_early).await.expect_err("nothing is pending");
        assert!(error["errorMessage"].as_str().expect("a reason").contains("createSecret has not made"));
    }
    let foreign =
        json!({ "Step": "createSecret", "SecretId": "arn:of:another", "ClientRequestToken": version });
    let error = rotations.function.invoke(foreign).await.expect_err("a refusal");
    assert_eq!(error["errorMessage"], "arn:of:another is not REDIS_CREDENTIALS");
    rotations.step(&version, "testSecret").await.expect("only this step, when a schedule is set");
    rotations.step(&version, "createSecret").await.expect("created");
    rotations.step(&version, "finishSecret").await.expect("finished");
    rotations.cache.log_in(&rotations.password().await).await.expect("the current password");
    rotations.cache.log_in("first").await.expect("what functions have read before");
}

#[tokio::test]
async fn user_that_cannot_be_changed_fails_the_step_and_keeps_its_passwords() {
    let rotations = Rotations::new().await;
    let version = rotations.begin();
    rotations.step(&version, "createSecret").await.expect("created");
    *rotations.cache.status.lock().expect("a lock") = "deleting";
    let error = rotations.step(&version, "setSecret").await.expect_err("a refusal");
    assert_eq!(error["errorMessage"], "the user arches-dev is deleting");
    *rotations.cache.status.lock().expect("a lock") = "modifying";
    let event = json!({ "Step": "setSecret", "SecretId": rotations.secret, "ClientRequestToken": version });
    let error = rotations.function.invoke_within(Duration::from_secs(18), event).await.expect_err("no time");
    assert_eq!(error["errorMessage"], "the user arches-dev is still being changed");
    rotations.cache.log_in("first").await.expect("the current password");
}
