//! The API on a port, and the stories about people who use it with Chromium.

use std::process::Stdio;

use chrono::Utc;
use harness::{Server, TestApp, service};
use local_stack::{Tools, environment::FRONT_END};
use serde_json::{Value, json};
use tokio::process::Command;

/// The address of the API's own pages. `chromium.mjs` has the same address of the API.
const OWN_PAGES: &str = "http://localhost:9000/account";

/// The API, with a database of its own.
pub struct Site {
    pub app: TestApp,
    server: Server,
}

impl Site {
    /// Serves the API for a front end at [`FRONT_END`], which is an empty page.
    pub async fn with_front_end() -> Self {
        Self::start(FRONT_END).await
    }

    /// Serves the API, whose own pages take the place of a front end.
    pub async fn with_own_pages() -> Self {
        Self::start(OWN_PAGES).await
    }

    async fn start(app_url: &str) -> Self {
        let app = TestApp::with(&[("APP_URL", app_url), ("CORS_ORIGINS", FRONT_END)]).await;
        #[expect(clippy::disallowed_methods, reason = "the providers have the machine's clock")]
        let now = Utc::now();
        app.clock.advance(now - app.state.app.clock.now());
        let server = app.serve().await;
        Self { app, server }
    }

    /// Runs a story, a script in `stories`, with what is `given`. Returns what it prints. Fails with all that it writes.
    pub async fn tell(&self, story: &str, given: &Value) -> Value {
        let tools = Tools::at(service("TEST_TOOLS"));
        let task = json!({
            "api": self.server.url(),
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

    /// Returns the link in the newest mail to `email`. It leads to a page of the API.
    pub fn link_to(&self, email: &str) -> String {
        let text = self.app.mail_to(email).text;
        let link = text.split_whitespace().find(|word| word.starts_with(OWN_PAGES));
        link.expect("a link to a page of the API").to_owned()
    }
}
