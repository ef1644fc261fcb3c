use harness::{PASSWORD, TestApp};
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

#[tokio::test]
async fn password_that_is_the_own_name_or_address_is_refused_everywhere() {
    let app = TestApp::new().await;
    let client = app.client();
    let new = json!({ "name": "Augusta Ada", "email": "augusta@example.com", "password": "augusta ada" });
    let answer = client.post("/v1/auth/register", new).await;
    answer.refused(422, "password-like-account");
    assert_eq!(answer.text("/errors/0/pointer"), "/password");

    let ada = app.person("Augustina").await;
    let local_part = ada.email.split('@').next().expect("a local part");
    for password in [&*ada.email, &ada.email.to_uppercase(), local_part, "augustina"] {
        let change = json!({ "currentPassword": PASSWORD, "newPassword": password });
        ada.client.post("/v1/auth/change-password", change).await.refused(422, "password-like-account");
    }
    client.post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let token = app.token_mailed_to(&ada.email);
    let reset = |password: &str| json!({ "token": token, "newPassword": password });
    client.post("/v1/auth/reset-password", reset(&ada.email)).await.refused(422, "password-like-account");
    client.post("/v1/auth/reset-password", reset("an entirely different phrase")).await.ok(204);
}
