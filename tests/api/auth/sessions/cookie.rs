use harness::{ORIGIN, TestApp};
use serde_json::json;

#[tokio::test]
async fn browser_refresh_token_is_in_a_cookie_and_never_in_a_body() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let browser = app.client().with("origin", ORIGIN);
    let body =
        json!({ "email": ada.email, "password": "correct horse battery staple", "transport": "cookie" });

    let answer = browser.post("/v1/auth/login", body).await.ok(201);

    assert!(answer.body["data"].get("refreshToken").is_none());
    let cookie = answer.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    assert!(pair.starts_with("__Host-arches_refresh=rt_"));
    assert_eq!(attributes, "Max-Age=604800; Path=/; Secure; HttpOnly; SameSite=Strict");

    let refreshed =
        browser.with("cookie", &format!("theme=dark; {pair}")).post_nothing("/v1/auth/refresh").await.ok(200);
    assert!(refreshed.body["data"].get("refreshToken").is_none());
    assert_ne!(refreshed.header("set-cookie"), cookie);
    let client = browser.token(refreshed.text("/data/accessToken"));
    let out = client.post_nothing("/v1/auth/logout").await.ok(204);
    assert!(out.header("set-cookie").starts_with("__Host-arches_refresh=; Max-Age=0;"));
}

#[tokio::test]
async fn cookie_is_refused_from_another_origin() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let body =
        json!({ "email": ada.email, "password": "correct horse battery staple", "transport": "cookie" });
    let cookie = format!("__Host-arches_refresh={}", ada.refresh_token);
    for origin in
        [None, Some("https://evil.example"), Some("null"), Some("https://app.example.com.evil.example")]
    {
        let client = origin.map_or_else(|| app.client(), |origin| app.client().with("origin", origin));
        client.post("/v1/auth/login", body.clone()).await.refused(403, "foreign-origin");
        client.with("cookie", &cookie).post_nothing("/v1/auth/refresh").await.refused(403, "foreign-origin");
    }
    ada.refresh(&ada.refresh_token).await.ok(200);
}
