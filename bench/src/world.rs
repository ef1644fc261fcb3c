//! What the functions meet: a database, people, and the events that a gateway would send.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use harness::{Database, environment, events};
use serde_json::{Value, json};
use shared::aws::client;
use uuid::Uuid;

use crate::instance::Instance;

/// Everything a group of measurements needs.
pub struct World {
    /// Where the built programs are: a folder for each function.
    pub programs: PathBuf,
    /// The floor.
    pub bare: PathBuf,
    /// How often each figure is measured.
    pub rounds: usize,
    /// What a function is told.
    pub environment: HashMap<String, String>,
    /// Where it goes.
    pub database: Database,
}

/// Someone who is signed in.
pub struct Person {
    /// Their address.
    pub email: String,
    /// Their access token.
    pub token: String,
    /// Their refresh token.
    pub refresh_token: String,
    /// Their session.
    pub session: String,
}

/// Of everyone.
pub const PASSWORD: &str = "correct horse battery staple";

impl World {
    /// With a database of its own.
    pub async fn make(programs: PathBuf, bare: PathBuf, rounds: usize) -> Self {
        let database = Database::create().await;
        let mut environment = environment(&database);
        // As deployed: an instance serves one request at a time.
        environment.extend(
            [("DB_POOL_MIN", "0"), ("DB_POOL_MAX", "1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Self { programs, bare, rounds, environment, database }
    }

    /// An instance of the function whose logical id is `id`.
    pub async fn start(&self, id: &str, environment: &HashMap<String, String>) -> Result<Instance> {
        Instance::start(&self.programs.join(id).join("bootstrap"), environment).await
    }

    /// An instance of the floor.
    pub async fn start_bare(&self) -> Result<Instance> {
        // As for ours: the stage's name is no part of the routes.
        let name = "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH".to_owned();
        Instance::start(&self.bare, &HashMap::from([(name, "true".to_owned())])).await
    }

    /// The settings with which a function finds nobody to dial: keys are given, and services refuse at once.
    pub async fn alone(&self) -> Result<HashMap<String, String>> {
        let secrets = aws_sdk_secretsmanager::Client::new(client::config().await);
        let mut alone = self.environment.clone();
        for name in ["JWT_SECRET", "JWT_PUBLIC_KEYS"] {
            let secret = secrets.get_secret_value().secret_id(&self.environment[name]).send().await?;
            alone.insert(name.to_owned(), secret.secret_string().context("a text")?.to_owned());
        }
        alone.insert("DATABASE_URL".to_owned(), "postgresql://nobody:nothing@127.0.0.1:1/none".to_owned());
        alone.insert("REDIS_URL".to_owned(), "redis://127.0.0.1:1".to_owned());
        Ok(alone)
    }

    /// A new account, made by an instance of `auth`.
    pub async fn person(&self, auth: &Instance) -> Result<Person> {
        let email = format!("{}@example.com", Uuid::new_v4().simple());
        let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
        let (answer, _) = auth.ask(&post("/v1/auth/register", None, &body), 201).await?;
        let text =
            |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Person {
            email,
            token: text("/data/accessToken"),
            refresh_token: text("/data/refreshToken"),
            session: text("/data/session/id"),
        })
    }
}

/// A GET as the REST API sends it.
pub fn get(path: &str, token: Option<&str>) -> Value {
    event("GET", path, token, None, &[])
}

/// A POST likewise.
pub fn post(path: &str, token: Option<&str>, body: &Value) -> Value {
    event("POST", path, token, Some(body), &[])
}

/// Any request, from an address of its own.
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

/// In milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
