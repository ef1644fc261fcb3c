use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{TestApp, token_in};
use serde_json::json;

#[tokio::test]
async fn one_of_sixteen_concurrent_uses_of_a_mailed_token_succeeds() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let token = json!({ "token": token_in(&app.mails()[0].text) });

    let clients: Vec<_> = (0..16).map(|_| app.client()).collect();
    let answers = join_all(clients.iter().map(|c| c.post("/v1/auth/verify-email", token.clone()))).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    answers.iter().find(|answer| answer.status != 200).expect("fifteen").refused(422, "invalid-token");
    assert_eq!(ada.client.get("/v1/auth/me").await.body["data"]["emailVerified"], true);
}

#[tokio::test]
async fn mailed_token_expires_after_a_day() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    app.clock.advance(TimeDelta::hours(24));
    let token = json!({ "token": token_in(&app.mails()[0].text) });
    app.client().post("/v1/auth/verify-email", token).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn new_link_can_be_requested_until_the_address_is_verified() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.client.post_nothing("/v1/auth/request-verification").await.ok(202);
    let token = json!({ "token": token_in(&app.mails()[1].text) });
    ada.client.post("/v1/auth/verify-email", token).await.ok(200);

    ada.client.post_nothing("/v1/auth/request-verification").await.ok(202);

    assert_eq!(app.mails().len(), 2);
}
