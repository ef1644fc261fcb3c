//! Sign-ins with identity providers, step by step, as a browser and a front end make them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{Answer, Client, Issuer, TestApp};

/// A sign-in whose browser is at the provider.
pub struct AtProvider<'a> {
    /// The browser: it has the cookie.
    pub browser: Client<'a>,
    pub cookie: String,
    pub provider: String,
    /// Where the browser was sent.
    pub url: Url,
}

impl<'a> AtProvider<'a> {
    /// Begins a sign-in. `query` begins with `?`, or is empty.
    pub async fn begin(client: &Client<'a>, provider: &str, query: &str) -> Self {
        let answer = client.get(&format!("/v1/auth/oauth/{provider}/authorize{query}")).await.ok(303);
        let cookie = answer.header("set-cookie").split(';').next().expect("a cookie").to_owned();
        let url = answer.header("location").parse().expect("a URL");
        Self { browser: client.with("cookie", &cookie), cookie, provider: provider.to_owned(), url }
    }

    /// Returns a parameter of the URL at the provider.
    #[must_use]
    pub fn parameter(&self, name: &str) -> String {
        let mut pairs = self.url.query_pairs();
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// Returns the path to which the provider sends the browser back with a code.
    #[must_use]
    pub fn way_back(&self) -> String {
        format!("/v1/auth/oauth/{}/callback?code=a-code&state={}", self.provider, self.parameter("state"))
    }

    /// Comes back with a code.
    pub async fn come_back(&self) -> Answer {
        self.browser.get(&self.way_back()).await
    }

    /// Comes back with an identity that `issuer` confirms: `changes` to its claims.
    pub async fn come_back_as(
        &self,
        app: &TestApp,
        issuer: &Issuer,
        subject: &str,
        changes: &Value,
    ) -> Answer {
        issuer.issue(&issuer.sign(&self.claims(app, issuer, subject, changes)));
        self.come_back().await
    }

    /// Returns the claims of a valid token for this sign-in, with `changes`. A change to null removes a claim.
    #[must_use]
    pub fn claims(&self, app: &TestApp, issuer: &Issuer, subject: &str, changes: &Value) -> Value {
        let now = app.state.app.clock.now().timestamp();
        let mut claims = issuer.claims(subject, &self.parameter("nonce"), now);
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("claims").retain(|_, value| !value.is_null());
        claims
    }
}

/// Returns the members of the fragment of the URL to which `answer` leads.
#[must_use]
pub fn fragment(answer: &Answer) -> BTreeMap<String, String> {
    let answer = answer.clone().ok(303);
    let url: Url = answer.header("location").parse().expect("a URL");
    form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Returns the code in the fragment.
#[track_caller]
#[expect(clippy::must_use_candidate, reason = "callers may need only the check")]
pub fn code(answer: &Answer) -> String {
    fragment(answer).remove("code").unwrap_or_else(|| panic!("no code: {answer:?}"))
}

/// Returns the error in the fragment.
#[track_caller]
#[must_use]
pub fn error(answer: &Answer) -> String {
    fragment(answer).remove("error").unwrap_or_else(|| panic!("no error: {answer:?}"))
}

/// Signs in at the provider `name` as `subject`, with `changes` to the claims. Returns the answer to the exchange.
pub async fn sign_in_with(
    client: &Client<'_>,
    name: &str,
    issuer: &Issuer,
    subject: &str,
    changes: &Value,
) -> Answer {
    let flow = AtProvider::begin(client, name, "").await;
    let back = flow.come_back_as(client.app, issuer, subject, changes).await;
    flow.browser.post("/v1/auth/oauth/exchange", json!({ "code": code(&back) })).await
}

/// Returns the settings of an app that offers these providers, by their names.
#[must_use]
pub fn offered(providers: &[(&str, Value)]) -> [(&'static str, String); 2] {
    let names: Vec<_> = providers.iter().map(|(name, _)| format!("{name}={}", name.to_uppercase())).collect();
    let credentials: serde_json::Map<_, _> =
        providers.iter().map(|(name, entry)| ((*name).to_owned(), entry.clone())).collect();
    [("SIGN_IN_PROVIDERS", names.join(",")), ("OAUTH_PROVIDERS", Value::Object(credentials).to_string())]
}

/// Starts the functions with these providers.
pub async fn app_with(providers: &[(&str, Value)], more: &[(&str, &str)]) -> TestApp {
    let offered = offered(providers);
    let mut settings: Vec<_> = offered.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend(more);
    TestApp::with(&settings).await
}

/// Starts the functions with `issuer` as the provider `acme`.
pub async fn app_of(issuer: &Issuer) -> TestApp {
    app_with(&[("acme", issuer.credentials())], &[]).await
}
