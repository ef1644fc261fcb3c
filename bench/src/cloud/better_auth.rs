//! A better-auth server (`bench/better-auth`) and calls to it, over one connection that is kept open.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use axum::{
    body::Bytes,
    http::{Request, header},
};
use harness::service;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use local_stack::Tools;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};
use uuid::Uuid;

use super::calls::Call;
use crate::world::PASSWORD;

const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The address at which the server seems to be. It refuses requests of other origins.
const ORIGIN: &str = "http://localhost";

/// A running server with a user who is signed in. It is stopped when dropped.
pub struct BetterAuth {
    connection: SendRequest<Full<Bytes>>,
    /// Of the user who reads and changes.
    cookie: String,
    /// Of the user who signs in.
    email: String,
    _process: Child,
}

/// Returns the command that runs the server.
fn command(folder: &Path, database: &str, argon2: Option<&str>) -> Result<Command> {
    let mut node = Command::from(Tools::at(service("TEST_TOOLS")).node()?);
    node.arg(folder.join("server.mjs")).env_clear();
    node.envs([("NODE_ENV", "production"), ("BASE_URL", ORIGIN), ("DATABASE_URL", database)]);
    node.envs(argon2.map(|parameters| ("ARGON2", parameters)));
    Ok(node)
}

/// Creates its tables in the database of the owner's URL `database`.
pub async fn migrate(folder: &Path, database: &str) -> Result<()> {
    let status = command(folder, database, None)?.arg("migrate").status().await?;
    ensure!(status.success(), "better-auth did not create its tables: {status}");
    Ok(())
}

impl BetterAuth {
    /// Starts the server. Its npm packages are in `folder`. It hashes with `argon2`, or else as it does by default.
    pub async fn start(folder: &Path, database: &str, argon2: Option<&str>) -> Result<Self> {
        let mut process =
            command(folder, database, argon2)?.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("its output")?).lines();
        let port =
            timeout(START_TIMEOUT, lines.next_line()).await.context("better-auth was not ready in time")?;
        let port: u16 = port?.context("better-auth ended")?.parse().context("better-auth printed no port")?;
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        let mut server = Self { connection, cookie: String::new(), email: String::new(), _process: process };
        let (email, body) = new_user();
        server.request("POST", "/sign-up/email", Some(&body)).await?;
        server.email = email;
        let (_, body) = new_user();
        let (_, cookie, _) = server.request("POST", "/sign-up/email", Some(&body)).await?;
        server.cookie = cookie.context("signing up set no cookie")?;
        Ok(server)
    }

    /// Makes a call. Returns the duration, or `None` if it has no such call. Fails for a wrong answer.
    pub async fn call(&mut self, call: Call) -> Result<Option<Duration>> {
        let (method, path, body) = match call {
            Call::Health => ("GET", "/ok", None),
            Call::Session | Call::UncachedSession => ("GET", "/get-session", None),
            Call::Sessions => ("GET", "/list-sessions", None),
            Call::Profile => ("POST", "/update-user", Some(json!({ "name": Uuid::new_v4() }))),
            Call::SignIn => {
                ("POST", "/sign-in/email", Some(json!({ "email": self.email, "password": PASSWORD })))
            }
            Call::SignUp => ("POST", "/sign-up/email", Some(new_user().1)),
            _ => return Ok(None),
        };
        let (answer, _, took) = self.request(method, path, body.as_ref()).await?;
        let expected = match call {
            Call::Health => &answer["ok"],
            Call::Session | Call::UncachedSession => &answer["user"]["id"],
            Call::Sessions => &answer[0]["token"],
            Call::Profile => &answer["status"],
            _ => &answer["token"],
        };
        ensure!(!expected.is_null(), "{method} {path} of better-auth: {answer}");
        Ok(Some(took))
    }

    /// Sends a request. Returns the body, the cookie that it sets, and the duration.
    async fn request(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Value, Option<String>, Duration)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/auth{path}"))
            .header(header::HOST, "localhost")
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, "application/json");
        // As our own calls: signing in and up sends no session.
        let is_public = path.starts_with("/sign-");
        let request = if is_public { request } else { request.header(header::COOKIE, &self.cookie) };
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body)))?;
        self.connection.ready().await?;
        let started = Instant::now();
        let response = self.connection.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let took = started.elapsed();
        if !head.status.is_success() {
            bail!("{method} {path} of better-auth: {} {}", head.status, String::from_utf8_lossy(&body));
        }
        let cookie = head.headers.get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        Ok((serde_json::from_slice(&body)?, cookie, took))
    }
}

/// Returns the address of a new user, and the body that signs them up.
fn new_user() -> (String, Value) {
    let email = format!("{}@example.com", Uuid::new_v4().simple());
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    (email, body)
}
