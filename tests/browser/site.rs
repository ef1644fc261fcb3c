//! The API on a port, and the stories about people who use it with Chromium.

use std::{pin::pin, process::Stdio, time::Duration};

use axum::http::{Method, StatusCode};
use chrono::Utc;
use harness::{Server, TestApp, ingestion::Ingestion, service};
use local_stack::{Tools, environment::FRONT_END};
use serde_json::{Value, json};
use tokio::process::Command;

/// The address of the API's own pages. `chromium.mjs` has the same address of the API.
const OWN_PAGES: &str = "http://localhost:9000/account";

/// Time between two looks at empty queues.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The API, with a database of its own.
pub struct Site {
    pub app: TestApp,
    server: Server,
    /// Where links in mails lead.
    app_url: &'static str,
    /// The address of the console. `None` for an empty page.
    console: Option<String>,
}

impl Site {
    /// Serves the API for a front end at [`FRONT_END`], which is an empty page.
    pub async fn with_front_end() -> Self {
        Self::start(FRONT_END, None, &[]).await
    }

    /// Serves the API for the console, which is at [`FRONT_END`].
    pub async fn with_console() -> Self {
        Self::with_console_and(&[]).await
    }

    /// Like [`Site::with_console`], with changed settings of the functions, such as those of an [`Ingestion`].
    pub async fn with_console_and(settings: &[(&str, &str)]) -> Self {
        Self::start(FRONT_END, Some(service("TEST_CONSOLE")), settings).await
    }

    /// Serves the API, whose own pages take the place of a front end.
    pub async fn with_own_pages() -> Self {
        Self::start(OWN_PAGES, None, &[]).await
    }

    async fn start(app_url: &'static str, console: Option<String>, settings: &[(&str, &str)]) -> Self {
        let settings = [&[("APP_URL", app_url), ("CORS_ORIGINS", FRONT_END)][..], settings].concat();
        let app = TestApp::with(&settings).await;
        #[expect(clippy::disallowed_methods, reason = "the providers have the machine's clock")]
        let now = Utc::now();
        app.clock.advance(now - app.state.app.clock.now());
        let server = app.serve().await;
        Self { app, server, app_url, console }
    }

    /// Runs a story, a script in `stories`, with what is `given`. Returns what it prints. Fails with all that it writes.
    pub async fn tell(&self, story: &str, given: &Value) -> Value {
        let tools = Tools::at(service("TEST_TOOLS"));
        let task = json!({
            "api": self.server.url(),
            "frontEnd": self.console,
            "chromium": service("TEST_CHROMIUM"),
            "playwright": tools.playwright(),
            "given": given,
        });
        let mut node = Command::from(tools.node().expect("Node"));
        node.arg(format!("{}/browser/stories/{story}.mjs", env!("CARGO_MANIFEST_DIR"))).arg(task.to_string());
        let output = node.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("Node starts");
        let (printed, complaints) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{story}: {}\n{printed}\n{complaints}", output.status);
        serde_json::from_str(&printed).expect("a story prints JSON")
    }

    /// Like [`Site::tell`], while files that the story uploads are ingested.
    pub async fn tell_and_ingest(&self, ingestion: &Ingestion, story: &str, given: &Value) -> Value {
        let mut told = pin!(self.tell(story, given));
        loop {
            tokio::select! {
                value = &mut told => return value,
                () = ingestion.ingest(&self.app.database) => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// Returns method, path and status of every request so far.
    pub fn served(&self) -> Vec<(Method, String, StatusCode)> {
        self.server.served()
    }

    /// Returns the link in the newest mail to `email`. It leads to the console, or to a page of the API.
    pub fn link_to(&self, email: &str) -> String {
        let text = self.app.mail_to(email).text;
        let link = text.split_whitespace().find(|word| word.starts_with(self.app_url));
        link.expect("a link").to_owned()
    }
}
