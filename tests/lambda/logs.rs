use harness::{Database, runtime_api::Function};
use serde_json::{Value, json};

use crate::{
    environment,
    events::{body, http},
};

fn lines(function: &Function) -> Vec<Value> {
    let log = function.log();
    log.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
}

#[tokio::test]
async fn a_request_leaves_one_line_that_says_all_there_is_to_say() {
    let database = Database::create().await;
    let auth = Function::start("auth", environment(&database)).await;
    let headers = json!({ "content-type": "application/json" });
    let register =
        json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" }).to_string();
    let answer = auth
        .invoke(http("POST", "/v1/auth/register", &headers, Some(&register), "203.0.113.7"))
        .await
        .expect("an answer");
    let bearer = json!({ "authorization": format!("Bearer {}", body(&answer)["data"]["accessToken"].as_str().expect("a token")) });
    let user = body(&answer)["data"]["user"]["id"].clone();
    auth.invoke(http("GET", "/v1/auth/sessions", &bearer, None, "203.0.113.7")).await.expect("an answer");

    auth.log_line(|line| line.contains("request served") && line.contains("/v1/auth/sessions")).await;
    let lines = lines(&auth);
    let served: Vec<_> = lines.iter().filter(|line| line["message"] == "request served").collect();
    assert_eq!(served.len(), 2, "{lines:#?}");
    let line = served[1];
    for (name, value) in [
        ("level", json!("INFO")),
        ("app", json!("arches")),
        ("env", json!("test")),
        ("version", json!("dev")),
        ("method", json!("GET")),
        ("route", json!("/v1/auth/sessions")),
        ("status", json!(200)),
        ("user.id", user),
        ("ip", json!("203.0.113.7")),
        ("request.id", json!("JKJaXmPLvHcESHA=")),
    ] {
        assert_eq!(line[name], value, "{name} in {line}");
    }
    assert!(line["duration_ms"].is_u64() && line["timestamp"].is_string(), "{line}");
}

#[tokio::test]
async fn metrics_are_written_as_cloudwatch_reads_them() {
    let database = Database::create().await;
    let system = Function::start("system", environment(&database)).await;
    system.invoke(http("GET", "/v1/config", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    system.log_line(|line| line.contains("ColdStarts")).await;
    let lines = lines(&system);
    for (metric, dimensions) in [
        ("Requests", vec!["function", "route", "status"]),
        ("Duration", vec!["function", "route"]),
        ("ColdStarts", vec!["function"]),
        ("DependencyTime", vec!["dependency", "function"]),
    ] {
        let line = lines
            .iter()
            .find(|line| line.get(metric).is_some())
            .unwrap_or_else(|| panic!("no {metric} in {lines:#?}"));
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Arches");
        let mut names: Vec<_> = directive["Dimensions"][0]
            .as_array()
            .expect("a list")
            .iter()
            .map(|d| d.as_str().expect("text"))
            .collect();
        names.sort_unstable();
        assert_eq!(names, dimensions, "{metric}");
    }
}

#[tokio::test]
async fn health_is_not_logged() {
    let database = Database::create().await;
    let system = Function::start("system", environment(&database)).await;
    system.invoke(http("GET", "/health", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    system.invoke(http("GET", "/v1/config", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    system.log_line(|line| line.contains("request served")).await;
    assert!(
        lines(&system).iter().all(|line| line["message"] != "request served" || line["route"] != "/health")
    );
}

#[tokio::test]
async fn no_secret_and_no_personal_word_is_in_any_line_even_at_debug_level() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("LOG_LEVEL".to_owned(), "trace".to_owned());
    let auth = Function::start("auth", environment.clone()).await;
    let headers = json!({ "content-type": "application/json", "user-agent": "planted-user-agent" });
    let post = async |path: &str, body: Value| {
        auth.invoke(http("POST", path, &headers, Some(&body.to_string()), "203.0.113.7"))
            .await
            .expect("an answer")
    };

    let register = json!({ "name": "Planted Name", "email": "planted.address@example.com", "password": "planted password" });
    let answer = body(&post("/v1/auth/register", register.clone()).await);
    let (access, refresh) = (answer["data"]["accessToken"].clone(), answer["data"]["refreshToken"].clone());
    post("/v1/auth/register", register).await;
    post("/v1/auth/login", json!({ "email": "planted.address@example.com", "password": "planted guess" }))
        .await;
    post("/v1/auth/login", json!({ "email": "planted broken address", "password": "planted password" }))
        .await;
    post("/v1/auth/refresh", json!({ "refreshToken": refresh })).await;
    post("/v1/auth/verify-email", json!({ "token": "planted-token" })).await;
    let bearer = json!({ "authorization": format!("Bearer {}", access.as_str().expect("a token")), "content-type": "application/json" });
    let change = json!({ "name": "Planted Change", "phone": "+442071838750", "image": "https://planted.example/a.png" });
    auth.invoke(http("PATCH", "/v1/auth/me", &bearer, Some(&change.to_string()), "203.0.113.7"))
        .await
        .expect("an answer");
    auth.invoke(http("GET", "/v1/auth/planted-path", &bearer, None, "203.0.113.7")).await.expect("an answer");
    auth.log_line(|line| line.contains("no-such-route")).await;

    let log = auth.log().join("\n").to_lowercase();
    let token: String = database.value("SELECT password_hash FROM users").await;
    for planted in [
        "planted",
        "442071838750",
        access.as_str().expect("a token"),
        refresh.as_str().expect("a token"),
        &token,
        &environment["DATABASE_URL"],
        &environment["REDIS_URL"],
    ] {
        let planted = planted.to_lowercase();
        assert!(
            !log.contains(&planted),
            "{planted} is in the log: {:?}",
            log.lines().find(|line| line.contains(&planted))
        );
    }
    assert!(log.contains("request served") && log.contains("request refused"));
}
