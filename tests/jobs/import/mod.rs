//! `migrate import-users`: the users of another system, with their passwords.
//!
//! The files have the form of real exports; the people in them are invented. Their password is [`PASSWORD`], except that of Bob in Firebase,
//! whose hash is the sample of Firebase's documentation.

mod again;
mod refused;
mod sign_in;
mod systems;

use std::{path::Path, process::Stdio, time::Duration};

use aws_sdk_s3::Client;
use harness::{Answer, PASSWORD, TestApp, environment, runtime_api::Function, service};
use serde_json::{Value, json};
use shared::aws::client;
use tokio::process::Command;
use uuid::Uuid;

/// The limit of an import on a busy machine. The job keeps 30 s of it in reserve.
const TIME: Duration = Duration::from_mins(3);

/// An app, and the function that imports users into its database.
struct Importer {
    app: TestApp,
    function: Function,
    bucket: String,
    s3: Client,
}

impl Importer {
    async fn new() -> Self {
        let ledger = format!("l-{}", Uuid::new_v4().simple());
        let s3 = Client::new(client::config().await);
        s3.create_bucket().bucket(&ledger).send().await.expect("a bucket");
        Self::with_ledger(&ledger).await
    }

    /// Creates an empty database beside the erasures in `ledger`.
    async fn with_ledger(ledger: &str) -> Self {
        let app = TestApp::with(&[("ERASURE_BUCKET", ledger)]).await;
        let bucket = format!("i-{}", Uuid::new_v4().simple());
        let s3 = Client::new(client::config().await);
        s3.create_bucket().bucket(&bucket).send().await.expect("a bucket");
        let mut environment = environment(&app.database);
        for (name, value) in [
            ("DATABASE_URL", app.database.owner_url()),
            ("ARTIFACT_BUCKET", bucket.clone()),
            ("ERASURE_BUCKET", ledger.to_owned()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        let function = Function::start("migrate", environment).await;
        Self { app, function, bucket, s3 }
    }

    async fn upload(&self, key: &str, text: impl Into<Vec<u8>>) {
        let put = self.s3.put_object().bucket(&self.bucket).key(key).body(text.into().into());
        put.send().await.expect("an object");
    }

    /// Sends an event with further members to the function.
    async fn call(&self, from: &str, members: Value) -> Result<Value, Value> {
        let mut event = json!({ "command": "import-users", "from": from, "file": "imports/users" });
        for (name, value) in members.as_object().expect("members") {
            event[name] = value.clone();
        }
        self.function.invoke_within(TIME, event).await
    }

    /// Imports `text`, and returns the report.
    async fn import(&self, from: &str, text: impl Into<Vec<u8>>, members: Value) -> Value {
        self.upload("imports/users", text).await;
        self.call(from, members).await.expect("a report")
    }

    async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.app.client().post("/v1/auth/login", json!({ "email": email, "password": password })).await
    }

    /// Returns how many users have an imported password.
    async fn imported_passwords(&self) -> i64 {
        self.app.database.value("SELECT count(*) FROM users WHERE password_hash LIKE '$imported$%'").await
    }
}

/// Returns a file of this folder.
fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs/import").join(name);
    std::fs::read_to_string(path).expect("a file")
}

/// Returns lines as Auth0 exports them, one for each address.
fn lines(emails: &[&str]) -> String {
    let hash = "$2b$04$MP4jsFSdKrOUoraZPRww7ujyeX9fOOcHxXj9znDSsqtlJ39Pd7VHC";
    let line = |email: &&str| {
        json!({ "user_id": format!("auth0|{email}"), "email": email, "email_verified": true, "passwordHash": hash }).to_string() + "\n"
    };
    emails.iter().map(line).collect()
}

/// Runs the command `migrate` on the database of `app`. Returns its standard output, and whether it succeeded.
async fn command(app: &TestApp, arguments: &[&str]) -> (String, bool) {
    let program = format!("{}/migrate", service("TEST_TARGET_DIR"));
    let mut environment = environment(&app.database);
    environment.insert("DATABASE_URL".to_owned(), app.database.owner_url());
    environment.remove("ERASURE_BUCKET");
    // The log goes to standard output too.
    environment.insert("LOG_LEVEL".to_owned(), "error".to_owned());
    let run =
        Command::new(program).args(arguments).env_clear().envs(environment).stderr(Stdio::null()).output();
    let output = run.await.expect("a command");
    (String::from_utf8(output.stdout).expect("text"), output.status.success())
}
