use futures_util::future::join_all;
use harness::{
    Issuer,
    sign_in::{AtProvider, app_of, app_with, code, error, fragment},
};
use serde_json::json;

#[tokio::test]
async fn callback_always_leads_to_the_front_end() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    let state = flow.parameter("state");
    for (query, expected) in [
        (String::new(), "flow-not-valid"),
        ("?state=unknown&code=a".to_owned(), "flow-not-valid"),
        (format!("?state={state}&state={state}&code=a"), "flow-not-valid"),
        (format!("?state={}&code=a", "x".repeat(300)), "flow-not-valid"),
    ] {
        let answer = flow.browser.get(&format!("/v1/auth/oauth/acme/callback{query}")).await;
        assert_eq!(error(&answer), expected, "{query}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(
        error(&flow.browser.get("/v1/auth/oauth/google/callback?state=a&code=b").await),
        "flow-not-valid"
    );
}

#[tokio::test]
async fn user_who_does_not_agree_at_the_provider_is_told_so() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    for (reason, expected) in
        [("access_denied", "sign-in-cancelled"), ("server_error", "provider-answer-not-valid")]
    {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        let path = format!("/v1/auth/oauth/acme/callback?error={reason}&state={}", flow.parameter("state"));
        assert_eq!(error(&flow.browser.get(&path).await), expected);
        assert_eq!(error(&flow.browser.get(&path).await), "flow-not-valid", "it is used up");
    }
    assert_eq!(issuer.count("/token"), 0);
}

#[tokio::test]
async fn unavailable_provider_leads_to_the_front_end_too() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    for status in [500, 503, 429] {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        issuer.fail(Some(status));
        assert_eq!(error(&flow.come_back().await), "provider-unavailable");
        issuer.fail(None);
    }
    // It refuses the code.
    for status in [400, 403] {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        issuer.fail(Some(status));
        assert_eq!(error(&flow.come_back().await), "provider-answer-not-valid");
        issuer.fail(None);
    }
}

#[tokio::test]
async fn redirect_of_a_provider_is_not_followed() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    issuer.fail(Some(302));
    assert_eq!(error(&flow.come_back().await), "provider-answer-not-valid");
}

#[tokio::test]
async fn provider_may_be_a_public_client() {
    let issuer = Issuer::start().await;
    let mut entry = issuer.credentials();
    entry.as_object_mut().expect("an object").remove("clientSecret");
    let app = app_with(&[("acme", entry)], &[]).await;
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    code(&flow.come_back_as(&app, &issuer, "ada", &json!({})).await);
    assert_eq!(issuer.redeemed("client_id"), "client");
}

#[tokio::test]
async fn of_sixteen_callbacks_one_gets_a_code() {
    let issuer = Issuer::start().await;
    let many = [("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")];
    let app = app_with(&[("acme", issuer.credentials())], &many).await;
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    issuer.issue(&issuer.sign(&flow.claims(&app, &issuer, "ada", &json!({}))));

    let answers = join_all((0..16).map(|_| flow.come_back())).await;

    let codes = answers.iter().filter(|answer| fragment(answer).contains_key("code"));
    assert_eq!(codes.count(), 1);
    let refused =
        answers.iter().filter(|answer| fragment(answer).get("error").is_some_and(|e| e == "flow-not-valid"));
    assert_eq!(refused.count(), 15);
    assert_eq!(issuer.count("/token"), 1, "the provider was asked once");
}
