use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use harness::{
    Issuer, TestApp,
    sign_in::{AtProvider, app_of, code, error, fragment, sign_in_with},
};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

#[tokio::test]
async fn browser_is_sent_to_the_provider_with_pkce_state_and_nonce() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;

    let answer = app.client().get("/v1/auth/oauth/acme/authorize").await.ok(303);

    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-arches_flow="), "{cookie}");
    assert!(cookie.ends_with("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    assert!(flow.url.as_str().starts_with(&format!("{}/authorize?", issuer.url())), "{}", flow.url);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "client"),
        ("redirect_uri", "http://localhost:9000/v1/auth/oauth/acme/callback"),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(flow.parameter(name), value, "{}", flow.url);
    }
    for secret in ["state", "nonce", "code_challenge"] {
        assert_eq!(flow.parameter(secret).len(), 43, "{secret}: 256 bits");
    }
    assert!(!flow.url.as_str().contains("secret"), "{}", flow.url);
}

#[tokio::test]
async fn verifier_of_the_challenge_is_shown_to_the_provider_only() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let flow = AtProvider::begin(&app.client(), "acme", "").await;

    let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;

    code(&back);
    let verifier = issuer.redeemed("code_verifier");
    let challenge = BASE64URL_NOPAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref());
    assert_eq!(challenge, flow.parameter("code_challenge"));
    assert_eq!(issuer.redeemed("code"), "a-code");
    let rows = "SELECT string_agg(f::text, '') FROM oauth_flows f";
    assert!(!app.database.value::<String>(rows).await.contains(&verifier), "it is stored encrypted");
}

#[tokio::test]
async fn provider_that_is_not_offered_is_not_found() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    app.client().get("/v1/auth/oauth/google/authorize").await.refused(404, "no-such-provider");
    app.client().get("/v1/auth/oauth/Acme/authorize").await.refused(404, "no-such-route");
    let config = app.client().get("/v1/config").await.ok(200);
    assert_eq!(config.body["data"]["providers"], json!([{ "name": "acme", "label": "ACME" }]));
    assert!(!config.page.contains("secret") && !config.page.contains("client"), "{}", config.page);
}

#[tokio::test]
async fn unavailable_provider_is_a_503_and_moves_no_alarm() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    issuer.fail(Some(502));
    let answer = app.client().get("/v1/auth/oauth/acme/authorize").await;
    answer.refused(503, "provider-unavailable");
    assert_eq!(answer.header("retry-after"), "10");
    issuer.fail(None);
    app.client().get("/v1/auth/oauth/acme/authorize").await.refused(503, "provider-unavailable");
    assert_eq!(issuer.count("/.well-known/openid-configuration"), 1, "it is not asked again at once");
    app.clock.advance(TimeDelta::seconds(10));
    AtProvider::begin(&app.client(), "acme", "").await;
}

#[tokio::test]
async fn document_of_another_issuer_is_not_used() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    issuer.publish(&json!({ "issuer": "https://accounts.google.com" }));
    app.client().get("/v1/auth/oauth/acme/authorize").await.refused(503, "provider-unavailable");
}

#[tokio::test]
async fn discovery_is_read_once_an_hour() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let document = "/.well-known/openid-configuration";
    for _ in 0..3 {
        AtProvider::begin(&app.client(), "acme", "").await;
    }
    assert_eq!(issuer.count(document), 1);
    app.clock.advance(TimeDelta::minutes(59));
    AtProvider::begin(&app.client(), "acme", "").await;
    assert_eq!(issuer.count(document), 1);
    app.clock.advance(TimeDelta::minutes(1));
    AtProvider::begin(&app.client(), "acme", "").await;
    assert_eq!(issuer.count(document), 2);
}

#[tokio::test]
async fn page_to_return_to_comes_back_with_the_code() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let flow = AtProvider::begin(&app.client(), "acme", "?returnTo=%2Fprojects%3Fsort%3Dname").await;
    let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;
    assert_eq!(fragment(&back)["returnTo"], "/projects?sort=name");
    assert!(back.header("location").starts_with("http://localhost:9005/signed-in#"), "{back:?}");
}

#[tokio::test]
async fn many_sign_ins_from_one_source_are_refused() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let client = app.client();
    for _ in 0..100 {
        client.get("/v1/auth/oauth/acme/authorize").await.ok(303);
    }
    client.get("/v1/auth/oauth/acme/authorize").await.refused(429, "too-many-attempts");
    AtProvider::begin(&app.client(), "acme", "").await;
}

#[tokio::test]
async fn two_tabs_of_a_browser_sign_in_at_the_same_time() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let first = AtProvider::begin(&app.client(), "acme", "").await;
    let second = AtProvider::begin(&first.browser, "acme", "").await;
    for flow in [first, second] {
        let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;
        let body = json!({ "code": code(&back) });
        flow.browser.post("/v1/auth/oauth/exchange", body).await.ok(201);
    }
}

#[tokio::test]
async fn sign_in_expires_after_ten_minutes_and_its_code_after_one() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let late = AtProvider::begin(&app.client(), "acme", "").await;
    app.clock.advance(TimeDelta::minutes(10));
    assert_eq!(error(&late.come_back_as(&app, &issuer, "ada", &json!({})).await), "flow-not-valid");

    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;
    app.clock.advance(TimeDelta::seconds(60));
    let body = json!({ "code": code(&back) });
    flow.browser.post("/v1/auth/oauth/exchange", body).await.refused(401, "wrong-sign-in-code");
    sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await.ok(201);
}

#[tokio::test]
async fn provider_without_credentials_is_a_failure() {
    let settings = [("SIGN_IN_PROVIDERS", "acme=Acme"), ("OAUTH_PROVIDERS", "{}")];
    let app = TestApp::with(&settings).await;
    let answer = app.client().get("/v1/auth/oauth/acme/authorize").await.ok(500);
    assert_eq!(answer.body["detail"], Value::from("Something went wrong on our side."));
}
