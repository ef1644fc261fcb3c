//! The checks of a run.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::json;
use shared::{aws::secrets::Secrets, config::Config};
use tokio::time::Instant;
use uuid::Uuid;

use crate::versions::Versions;

/// The result of one check.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    name: &'static str,
    pub passed: bool,
    /// Only if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    milliseconds: u128,
}

/// The results so far. Shared with the task that checks, so that they survive its timeout or panic.
#[derive(Clone, Default)]
pub struct Checks(Arc<Mutex<Vec<Check>>>);

impl Checks {
    fn add(&self, check: Check) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(check);
    }

    /// Adds a failed check.
    pub fn add_failure(&self, name: &'static str, reason: &str) {
        self.add(Check { name, passed: false, reason: Some(reason.to_owned()), milliseconds: 0 });
    }

    /// Returns the results so far.
    pub fn results(&self) -> Vec<Check> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs one check and adds its result. Returns `None` if it failed, which ends the run.
    async fn check<T>(&self, name: &'static str, work: impl Future<Output = anyhow::Result<T>>) -> Option<T> {
        let begin = Instant::now();
        let (value, reason) = match work.await {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let milliseconds = begin.elapsed().as_millis();
        self.add(Check { name, passed: reason.is_none(), reason, milliseconds });
        value
    }
}

/// Runs the checks in order, until one fails.
pub async fn run_all(config: Config, secrets: Secrets, checks: Checks) {
    _ = Box::pin(run_in_order(&config, &secrets, &checks)).await;
}

async fn run_in_order(config: &Config, secrets: &Secrets, checks: &Checks) -> Option<()> {
    let (smoke, versions) = (&config.smoke, Versions::new().await);
    let get = async |version: &str, path: &str, token: Option<&str>| {
        versions.request(version, "GET", path, token, None).await
    };
    checks.check("health", async { get(&smoke.system, "/health", None).await?.expect(200) }).await?;
    checks.check("ready", async { get(&smoke.system, "/ready", None).await?.expect(200) }).await?;
    checks.check("docs", async { get(&smoke.docs, "/docs", None).await?.expect(200) }).await?;
    let token = Box::pin(checks.check("login", sign_in(config, secrets, &versions))).await?;
    let token = Some(token.as_str());
    let organizations = async {
        let answer = get(&smoke.organizations, "/v1/organizations", token).await?.expect(200)?;
        Ok(format!("/v1/organizations/{}", answer.text("/data/0/id")?))
    };
    let organization = checks.check("organizations", organizations).await;
    // The account is not an administrator. The 403 shows that its token and its row were read.
    let users = async {
        let answer = get(&smoke.users, "/v1/users", token).await?.expect(403)?;
        anyhow::ensure!(answer.problem() == "administrator-needed", "the status is 403 {}", answer.problem());
        Ok(())
    };
    let tenant = async |path: &str| {
        checks.check("users", users).await?;
        let artifacts =
            async { get(&smoke.artifacts, &format!("{path}/artifacts"), token).await?.expect(200) };
        checks.check("artifacts", artifacts).await?;
        // Without the model: a new version must not wait for a service that is optional.
        let search = async {
            let query = json!({ "query": "smoke", "mode": "keyword" });
            let path = format!("{path}/search");
            versions.request(&smoke.search, "POST", &path, token, Some(&query)).await?.expect(200)
        };
        checks.check("search", search).await?;
        let chat = async { get(&smoke.chat, &format!("{path}/conversations"), token).await?.expect(200) };
        checks.check("chat", chat).await?;
        // Of no conversation, so without the model and without a cost. The 404 shows that database and cache were asked.
        let answers = async {
            let path = format!("{path}/conversations/{}/answers", Uuid::nil());
            let question = json!({ "content": "smoke", "sources": { "mode": "none" } });
            let answer = versions.request(&smoke.answers, "POST", &path, token, Some(&question)).await?;
            // The second one while the breaker is open: a model that fails must not stop a deployment.
            let is_right = matches!(
                (answer.status, answer.problem()),
                (404, "conversation-not-found") | (503, "model-unavailable")
            );
            anyhow::ensure!(is_right, "the status is {} {}", answer.status, answer.problem());
            Ok(())
        };
        checks.check("answers", answers).await?;
        // Of no provider: a new version must not wait for one.
        let oauth = async {
            let answer = get(&smoke.oauth, "/v1/auth/oauth/smoke/authorize", None).await?.expect(404)?;
            anyhow::ensure!(answer.problem() == "no-such-provider", "the status is 404 {}", answer.problem());
            Ok(())
        };
        checks.check("oauth", oauth).await
    };
    let tenant = match &organization {
        Some(path) => Box::pin(tenant(path)).await,
        None => None,
    };
    // Also after a failure, so that no session stays open.
    let logout =
        async { versions.request(&smoke.auth, "POST", "/v1/auth/logout", token, None).await?.expect(204) };
    checks.check("logout", logout).await?;
    tenant
}

/// Signs in, and registers the account if it does not exist. Returns the access token.
async fn sign_in(config: &Config, secrets: &Secrets, versions: &Versions) -> anyhow::Result<String> {
    let (email, password) =
        (secrets.get(&config.smoke.email).await?, secrets.get(&config.smoke.password).await?);
    let credentials = json!({ "email": email.as_str(), "password": password.as_str() });
    let post = async |path: &str, token: Option<&str>, body| {
        versions.request(&config.smoke.auth, "POST", path, token, body).await
    };
    let answer = post("/v1/auth/login", None, Some(&credentials)).await?;
    if answer.status != 401 {
        return answer.expect(201)?.text("/data/accessToken");
    }
    // No account, or another password: a 401 does not tell which. Registering does.
    let new = json!({ "name": "Smoke", "email": email.as_str(), "password": password.as_str() });
    let answer = post("/v1/auth/register", None, Some(&new)).await?;
    // A concurrent run may have registered it first.
    if answer.problem() != "email-taken" {
        let token = answer.expect(201)?.text("/data/accessToken")?;
        post("/v1/auth/logout", Some(&token), None).await?.expect(204)?;
    }
    post("/v1/auth/login", None, Some(&credentials)).await?.expect(201)?.text("/data/accessToken")
}
