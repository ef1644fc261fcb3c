use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn patch_changes_named_members_clears_nulls_and_keeps_the_rest() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let set = json!({ "image": "https://example.com/ada.png", "phone": "+442071838750" });
    ada.client.patch("/v1/auth/me", set).await.ok(200);

    let answer = ada.client.patch("/v1/auth/me", json!({ "name": "李雷", "phone": null })).await.ok(200);

    assert_eq!(answer.text("/data/name"), "李雷");
    assert_eq!(answer.text("/data/image"), "https://example.com/ada.png");
    assert_eq!(answer.body["data"]["phone"], Value::Null);
    assert_eq!(ada.client.get("/v1/auth/me").await.body, answer.body);
}

#[tokio::test]
async fn merge_patch_media_type_is_accepted() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let client = ada.client.with("content-type", "application/merge-patch+json; charset=utf-8");
    client.patch("/v1/auth/me", json!({ "name": "Countess" })).await.ok(200);
}

#[tokio::test]
async fn name_cannot_be_removed() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let answer = ada.client.patch("/v1/auth/me", json!({ "name": null })).await;
    answer.refused(422, "cannot-be-removed");
    assert_eq!(answer.text("/errors/0/pointer"), "/name");
}

#[tokio::test]
async fn users_can_change_only_their_profile() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let before = ada.client.get("/v1/auth/me").await.body;
    for member in [
        "id",
        "email",
        "emailVerified",
        "role",
        "version",
        "deletedAt",
        "passwordHash",
        "createdAt",
        "plan",
        "Name",
    ] {
        let answer = ada.client.patch("/v1/auth/me", json!({ "name": "Eve", member: "x" })).await;
        answer.refused(422, "invalid-body");
        assert_eq!(answer.text("/errors/0/pointer"), format!("/{member}"));
    }
    assert_eq!(ada.client.get("/v1/auth/me").await.body, before);
}

#[tokio::test]
async fn one_of_sixteen_concurrent_changes_of_a_version_succeeds() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let version = ada.client.get("/v1/auth/me").await.header("etag").to_owned();
    let client = ada.client.with("if-match", &version);

    let answers = join_all(
        (0..16).map(async |n| client.patch("/v1/auth/me", json!({ "name": format!("Ada {n}") })).await),
    )
    .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.status == 412), "{lost:?}");
    lost[0].refused(412, "stale");
    let me = ada.client.get("/v1/auth/me").await;
    assert_eq!(me.text("/data/name"), won[0].text("/data/name"));
    assert_eq!(me.header("etag"), won[0].header("etag"));
}

#[tokio::test]
async fn deleting_an_account_needs_a_recent_sign_in_or_the_password() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));

    ada.client.delete("/v1/auth/me").await.refused(401, "fresh-sign-in-needed");
    let wrong = json!({ "currentPassword": "not the password" });
    ada.client.delete_with("/v1/auth/me", wrong).await.refused(403, "wrong-password");
    ada.client.get("/v1/auth/me").await.ok(200);

    let right = json!({ "currentPassword": "correct horse battery staple" });
    ada.client.delete_with("/v1/auth/me", right).await.ok(204);
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    ada.refresh(&ada.refresh_token).await.refused(401, "invalid-refresh-token");
    let spaces = "SELECT count(*) FROM organizations WHERE deleted_at IS NULL";
    assert_eq!(app.database.value::<i64>(spaces).await, 0);
}

#[tokio::test]
async fn refresh_is_not_a_recent_sign_in() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.clock.advance(TimeDelta::minutes(11));
    let refreshed = ada.refresh(&ada.refresh_token).await.ok(200);
    let client = ada.client.token(refreshed.text("/data/accessToken"));
    client.delete("/v1/auth/me").await.refused(401, "fresh-sign-in-needed");
}

#[tokio::test]
async fn deleting_a_stale_version_deletes_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.client.patch("/v1/auth/me", json!({ "name": "Countess" })).await.ok(200);
    ada.client.with("if-match", "\"1\"").delete("/v1/auth/me").await.refused(412, "stale");
    ada.client.get("/v1/auth/me").await.ok(200);
}
