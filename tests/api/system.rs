use harness::{TestApp, service};

#[tokio::test]
async fn service_is_healthy_and_ready() {
    let app = TestApp::new().await;
    assert_eq!(app.client().get("/health").await.ok(200).text("/status"), "ok");
    let ready = app.client().get("/ready").await.ok(200);
    for dependency in ["database", "cache", "secrets"] {
        assert_eq!(ready.text(&format!("/checks/{dependency}/status")), "ok");
    }
}

#[tokio::test]
async fn unavailable_dependency_is_named() {
    let app = TestApp::with(&[("REDIS_URL", "redis://127.0.0.1:1")]).await;
    let ready = app.client().get("/ready").await.ok(503);
    assert_eq!(ready.text("/checks/cache/status"), "away");
    assert_eq!(ready.text("/checks/database/status"), "ok");
    assert_eq!(ready.header("retry-after"), "5");
    assert!(!ready.body.to_string().contains("127.0.0.1"), "no internal detail is shown");
}

#[tokio::test]
async fn only_public_keys_are_published() {
    let app = TestApp::new().await;
    let answer = app.client().get("/.well-known/jwks.json").await.ok(200);
    let keys = answer.body["keys"].as_array().expect("keys");
    assert!(!keys.is_empty());
    for key in keys {
        assert_eq!(
            (&key["kty"], &key["crv"], &key["alg"]),
            (&"OKP".into(), &"Ed25519".into(), &"EdDSA".into())
        );
        assert!(key.get("d").is_none() && key.get("status").is_none(), "{key}");
    }
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
}

/// Even if `JWT_PUBLIC_KEYS` refers to the private set.
#[tokio::test]
async fn private_key_is_not_published_by_mistake() {
    let app = TestApp::with(&[("JWT_PUBLIC_KEYS", &service("JWT_SECRET"))]).await;
    let answer = app.client().get("/.well-known/jwks.json").await.ok(200);
    assert!(answer.body["keys"].as_array().expect("keys").iter().all(|key| key.get("d").is_none()));
}

#[tokio::test]
async fn public_settings_contain_no_secret() {
    let app = TestApp::new().await;
    let answer = app.client().get("/v1/config").await.ok(200);
    assert_eq!(answer.body["data"]["limits"]["passwordMinLength"], 8);
    assert_eq!(answer.body["data"]["limits"]["accessTokenSeconds"], 900);
    assert!(!answer.body.to_string().contains("postgres"));
}
