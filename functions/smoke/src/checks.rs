//! What is tried.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::json;
use shared::{aws::secrets::Secrets, config::Config};
use tokio::time::Instant;

use crate::versions::Versions;

/// One thing that was tried.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    name: &'static str,
    /// Whether it was as it should be.
    pub passed: bool,
    /// What was wrong, if anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    milliseconds: u128,
}

/// What was tried so far; kept outside of the work, so that it is there if the work is cut off.
#[derive(Clone, Default)]
pub struct Checks(Arc<Mutex<Vec<Check>>>);

impl Checks {
    fn add(&self, check: Check) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(check);
    }

    /// Notes that `name` went wrong.
    pub fn failed(&self, name: &'static str, reason: &str) {
        self.add(Check { name, passed: false, reason: Some(reason.to_owned()), milliseconds: 0 });
    }

    /// Everything so far.
    pub fn taken(&self) -> Vec<Check> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tries `work`; `None` if it went wrong, which ends everything.
    async fn check<T>(&self, name: &'static str, work: impl Future<Output = anyhow::Result<T>>) -> Option<T> {
        let begun = Instant::now();
        let done = work.await;
        let (done, reason) = match done {
            Ok(done) => (Some(done), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let milliseconds = begun.elapsed().as_millis();
        self.add(Check { name, passed: reason.is_none(), reason, milliseconds });
        done
    }
}

/// Tries everything, until something is wrong.
pub async fn all(config: Config, secrets: Secrets, checks: Checks) {
    _ = Box::pin(in_order(&config, &secrets, &checks)).await;
}

async fn in_order(config: &Config, secrets: &Secrets, checks: &Checks) -> Option<()> {
    let (smoke, versions) = (&config.smoke, Versions::new().await);
    let get = async |version: &str, path: &str, token: Option<&str>| {
        versions.ask(version, "GET", path, token, None).await
    };
    checks.check("health", async { get(&smoke.system, "/health", None).await?.expect(200) }).await?;
    checks.check("ready", async { get(&smoke.system, "/ready", None).await?.expect(200) }).await?;
    checks.check("docs", async { get(&smoke.docs, "/docs", None).await?.expect(200) }).await?;
    let token = Box::pin(checks.check("login", sign_in(config, secrets, &versions))).await?;
    let token = Some(token.as_str());
    let organizations = async { get(&smoke.organizations, "/v1/organizations", token).await?.expect(200) };
    let organizations = checks.check("organizations", organizations).await;
    // The account is no administrator: to be told so, its token and its row must have been read.
    let users = async {
        let answer = get(&smoke.users, "/v1/users", token).await?.expect(403)?;
        anyhow::ensure!(answer.problem() == "administrator-needed", "it answered 403 {}", answer.problem());
        Ok(())
    };
    let users = match organizations {
        Some(_) => checks.check("users", users).await,
        None => None,
    };
    // Whatever went wrong in between, no session is left behind.
    let logout =
        async { versions.ask(&smoke.auth, "POST", "/v1/auth/logout", token, None).await?.expect(204) };
    checks.check("logout", logout).await?;
    users
}

/// An access token of the account, which is made if it is not there.
async fn sign_in(config: &Config, secrets: &Secrets, versions: &Versions) -> anyhow::Result<String> {
    let (email, password) =
        (secrets.get(&config.smoke.email).await?, secrets.get(&config.smoke.password).await?);
    let credentials = json!({ "email": email.as_str(), "password": password.as_str() });
    let post = async |path: &str, token: Option<&str>, body| {
        versions.ask(&config.smoke.auth, "POST", path, token, body).await
    };
    let answer = post("/v1/auth/login", None, Some(&credentials)).await?;
    if answer.status != 401 {
        return answer.expect(201)?.text("/data/accessToken");
    }
    // No account, or another password: nobody is told which. Whoever registers finds out.
    let new = json!({ "name": "Smoke", "email": email.as_str(), "password": password.as_str() });
    let answer = post("/v1/auth/register", None, Some(&new)).await?;
    // Of several at once one makes it, and the others find it there.
    if answer.problem() != "email-taken" {
        let token = answer.expect(201)?.text("/data/accessToken")?;
        post("/v1/auth/logout", Some(&token), None).await?.expect(204)?;
    }
    post("/v1/auth/login", None, Some(&credentials)).await?.expect(201)?.text("/data/accessToken")
}
