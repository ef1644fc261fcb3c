use harness::TestApp;
use serde_json::json;

const NEW_PASSWORD: &str = "an entirely different phrase";

#[tokio::test]
async fn account_works_from_registration_to_deletion() {
    let app = TestApp::new().await;
    let laptop = app.person("Ada").await;

    let me = laptop.client.get("/v1/auth/me").await.ok(200);
    assert_eq!(me.text("/data/email"), laptop.email);
    assert_eq!(me.body["data"]["emailVerified"], false);

    let phone = laptop.sign_in_again().await;
    let tablet = laptop.sign_in_again().await;
    let sessions = laptop.client.get("/v1/auth/sessions").await.ok(200);
    let ids: Vec<_> = sessions.body["data"].as_array().expect("a list").iter().map(|s| &s["id"]).collect();
    assert_eq!(ids, [&json!(tablet.session), &json!(phone.session), &json!(laptop.session)]);

    let refreshed = phone.refresh(&phone.refresh_token).await.ok(200);
    let phone_client = phone.client.token(refreshed.text("/data/accessToken"));
    phone_client.get("/v1/auth/me").await.ok(200);

    laptop.client.delete(&format!("/v1/auth/sessions/{}", phone.session)).await.ok(204);
    phone_client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    phone.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    phone.refresh(refreshed.text("/data/refreshToken")).await.refused(401, "invalid-refresh-token");

    let change = json!({ "currentPassword": "correct horse battery staple", "newPassword": NEW_PASSWORD });
    laptop.client.post("/v1/auth/change-password", change).await.ok(204);
    tablet.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    laptop.client.get("/v1/auth/me").await.ok(200);
    let old = json!({ "email": laptop.email, "password": "correct horse battery staple" });
    app.client().post("/v1/auth/login", old).await.refused(401, "wrong-credentials");

    laptop.client.delete("/v1/auth/me").await.ok(204);
    laptop.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let gone = json!({ "email": laptop.email, "password": NEW_PASSWORD });
    app.client().post("/v1/auth/login", gone).await.refused(401, "wrong-credentials");
}
