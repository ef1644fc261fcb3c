//! The whole way, with a certified provider (npm `oidc-provider`) and with one that speaks as GitHub does: `local-stack/providers.mjs`.

use chrono::Utc;
use harness::{
    Client, TestApp,
    browser::Browser,
    sign_in::{AtProvider, code, error},
};
use serde_json::json;
use uuid::Uuid;

/// Starts the functions at the time of the providers.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    #[expect(clippy::disallowed_methods, reason = "the provider has the machine's clock")]
    let now = Utc::now();
    app.clock.advance(now - app.state.app.clock.now());
    app
}

/// Chooses a persona at a provider, and comes back.
async fn choose<'a>(client: &Client<'a>, provider: &str, persona: &str) -> (AtProvider<'a>, harness::Answer) {
    let flow = AtProvider::begin(client, provider, "").await;
    let back = Browser::default().choose(&flow.url, persona).await;
    let answer = flow.browser.get(&format!("{}?{}", back.path(), back.query().unwrap_or_default())).await;
    (flow, answer)
}

async fn sign_in(client: &Client<'_>, provider: &str, persona: &str) -> harness::Answer {
    let (flow, back) = choose(client, provider, persona).await;
    flow.browser.post("/v1/auth/oauth/exchange", json!({ "code": code(&back) })).await
}

#[tokio::test]
async fn person_signs_in_with_a_certified_provider_and_with_github() {
    let app = app().await;
    for provider in ["acme", "github"] {
        let persona = format!("{provider}-{}", Uuid::new_v4().simple());
        let first = sign_in(&app.client(), provider, &persona).await.ok(201);
        let user = &first.body["data"]["user"];
        assert_eq!((&user["name"], &user["emailVerified"]), (&json!("Test Person"), &json!(true)), "{user}");
        assert_eq!(user["email"], format!("{persona}@providers.example"));
        app.client().token(first.text("/data/accessToken")).get("/v1/auth/me").await.ok(200);
        let again = sign_in(&app.client(), provider, &persona).await.ok(201);
        assert_eq!(again.text("/data/user/id"), first.text("/data/user/id"));
    }
}

#[tokio::test]
async fn address_that_the_provider_does_not_vouch_for_is_not_verified() {
    let app = app().await;
    let grace = sign_in(&app.client(), "github", "grace").await.ok(201);
    assert_eq!(grace.body["data"]["user"]["emailVerified"], false);
    assert_eq!(app.mail_to("grace@providers.example").subject, "Confirm your e-mail address");
    sign_in(&app.client(), "acme", "grace").await.refused(409, "account-exists");
}

#[tokio::test]
async fn person_may_cancel_at_the_provider() {
    let app = app().await;
    for provider in ["acme", "github"] {
        let (_, back) = choose(&app.client(), provider, "").await;
        assert_eq!(error(&back), "sign-in-cancelled");
    }
}

#[tokio::test]
async fn code_of_a_provider_is_redeemed_with_its_verifier_only() {
    let app = app().await;
    for provider in ["acme", "github"] {
        let (honest, stolen) = (
            AtProvider::begin(&app.client(), provider, "").await,
            AtProvider::begin(&app.client(), provider, "").await,
        );
        let back = Browser::default().choose(&honest.url, "ada").await;
        let of_provider = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
        let iss = back.query_pairs().find(|(name, _)| name == "iss").map(|(_, iss)| format!("&iss={iss}"));
        let path = format!(
            "/v1/auth/oauth/{provider}/callback?code={of_provider}&state={}{}",
            stolen.parameter("state"),
            iss.unwrap_or_default()
        );
        assert_eq!(error(&stolen.browser.get(&path).await), "provider-answer-not-valid");
    }
}
