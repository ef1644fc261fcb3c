//! The environment of the functions: a database, users, and the events of a gateway.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use harness::{Database, environment, events};
use serde_json::{Value, json};
use shared::aws::client;
use uuid::Uuid;

use crate::instance::Instance;

pub struct World {
    /// The built programs, in one folder per function.
    pub programs: PathBuf,
    /// The program of the baseline: a minimal function.
    pub bare: PathBuf,
    pub rounds: usize,
    /// The variables of a function.
    pub environment: HashMap<String, String>,
    pub database: Database,
}

/// A user who is signed in.
pub struct User {
    pub email: String,
    /// The access token.
    pub token: String,
    pub refresh_token: String,
    /// The id of the session.
    pub session: String,
}

/// Of all users.
pub const PASSWORD: &str = "correct horse battery staple";

impl World {
    /// Creates a world with a new database.
    pub async fn create(programs: PathBuf, bare: PathBuf, rounds: usize) -> Self {
        let database = Database::create().await;
        let mut environment = environment(&database);
        // As deployed: an instance serves one request at a time.
        environment.extend(
            [("DB_POOL_MIN", "0"), ("DB_POOL_MAX", "1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Self { programs, bare, rounds, environment, database }
    }

    /// Starts an instance of the function whose logical id is `id`.
    pub async fn start(&self, id: &str, environment: &HashMap<String, String>) -> Result<Instance> {
        Instance::start(&self.programs.join(id).join("bootstrap"), environment).await
    }

    /// Starts an instance of the baseline.
    pub async fn start_bare(&self) -> Result<Instance> {
        // As in the functions: routes do not contain the name of the stage.
        let name = "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH".to_owned();
        Instance::start(&self.bare, &HashMap::from([(name, "true".to_owned())])).await
    }

    /// Returns variables without dependencies: keys are given as values, and services refuse connections immediately.
    pub async fn isolated_environment(&self) -> Result<HashMap<String, String>> {
        let secrets = aws_sdk_secretsmanager::Client::new(client::config().await);
        let mut isolated = self.environment.clone();
        for name in ["JWT_SECRET", "JWT_PUBLIC_KEYS"] {
            let secret = secrets.get_secret_value().secret_id(&self.environment[name]).send().await?;
            isolated.insert(name.to_owned(), secret.secret_string().context("a text")?.to_owned());
        }
        isolated.insert("DATABASE_URL".to_owned(), "postgresql://nobody:nothing@127.0.0.1:1/none".to_owned());
        isolated.insert("REDIS_URL".to_owned(), "redis://127.0.0.1:1".to_owned());
        Ok(isolated)
    }

    /// Registers a user at an instance of `auth`.
    pub async fn register(&self, auth: &Instance) -> Result<User> {
        let email = format!("{}@example.com", Uuid::new_v4().simple());
        let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
        let (answer, _) = auth.request(&post("/v1/auth/register", None, &body), 201).await?;
        let text =
            |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(User {
            email,
            token: text("/data/accessToken"),
            refresh_token: text("/data/refreshToken"),
            session: text("/data/session/id"),
        })
    }
}

/// Returns the event of a GET request.
pub fn get(path: &str, token: Option<&str>) -> Value {
    event("GET", path, token, None, &[])
}

/// Returns the event of a POST request.
pub fn post(path: &str, token: Option<&str>, body: &Value) -> Value {
    event("POST", path, token, Some(body), &[])
}

/// Returns the event of any request, from a random address.
pub fn event(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
    more: &[(&str, &str)],
) -> Value {
    let mut headers = json!({ "content-type": "application/json" });
    if let Some(token) = token {
        headers["authorization"] = format!("Bearer {token}").into();
    }
    for (name, value) in more {
        headers[*name] = (*value).into();
    }
    let [a, b, c, ..] = *Uuid::new_v4().as_bytes();
    let text = body.map(Value::to_string);
    events::rest(method, path, &headers, text.as_deref(), &format!("10.{a}.{b}.{c}"))
}

/// Returns milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
