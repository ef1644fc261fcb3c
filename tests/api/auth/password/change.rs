use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn guesses_of_the_current_password_are_limited() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let guess = json!({ "currentPassword": "not the password", "newPassword": "a phrase of the thief's" });
    for _ in 0..10 {
        ada.client.post("/v1/auth/change-password", guess.clone()).await.refused(403, "wrong-password");
    }
    ada.client.post("/v1/auth/change-password", guess).await.refused(429, "too-many-attempts");
}
