use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{PASSWORD, TestApp};
use serde_json::json;

fn mails_to(app: &TestApp, email: &str) -> usize {
    app.mails().iter().filter(|mail| mail.to.as_ref() == email).count()
}

#[tokio::test]
async fn registering_again_does_not_renew_the_limit_of_mails_to_an_address() {
    let app = TestApp::new().await;
    let email = "victim@example.com";
    for _ in 0..3 {
        let body = json!({ "name": "Eve", "email": email, "password": PASSWORD });
        let answer = app.client().post("/v1/auth/register", body).await.ok(201);
        let eve = app.client().token(answer.text("/data/accessToken"));
        for _ in 0..6 {
            eve.post_nothing("/v1/auth/request-verification").await.ok(202);
        }
        eve.delete("/v1/auth/me").await.ok(204);
    }
    assert_eq!(mails_to(&app, email), 5);
}

#[tokio::test]
async fn mails_of_all_kinds_to_an_address_have_a_daily_limit() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    // After midnight: the limit is one of a calendar day in UTC.
    app.clock.advance(TimeDelta::hours(21));
    let before = mails_to(&app, &ada.email);
    let email = json!({ "email": ada.email });
    for _ in 0..32 {
        app.clock.advance(TimeDelta::minutes(15));
        let clients: Vec<_> = (0..12).map(|_| app.client()).collect();
        let asked = clients.iter().enumerate().map(|(n, client)| {
            let path = if n < 6 { "/v1/auth/magic-links" } else { "/v1/auth/forgot-password" };
            client.post(path, email.clone())
        });
        for answer in join_all(asked).await {
            answer.ok(202);
        }
    }
    let sent = mails_to(&app, &ada.email) - before;
    // 20, and one an hour with a link for a new password.
    assert!((24..=29).contains(&sent), "{sent} mails in 8 hours");

    // The owner, who is flooded, gets in: the newest link for a new password lives.
    let reset = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": "an entirely new phrase" });
    app.client().post("/v1/auth/reset-password", reset).await.ok(204);
    let new = json!({ "email": ada.email, "password": "an entirely new phrase" });
    app.client().post("/v1/auth/login", new).await.ok(201);
}

#[tokio::test]
async fn notices_are_limited_and_other_mails_do_not_use_them_up() {
    let app = TestApp::new().await;
    let eve = app.person("Eve").await;
    let clients: Vec<_> = (0..30).map(|_| app.client()).collect();
    let ask = json!({ "email": eve.email });
    join_all(clients.iter().map(|client| client.post("/v1/auth/magic-links", ask.clone()))).await;
    let before = mails_to(&app, &eve.email);
    for _ in 0..12 {
        let change = json!({ "currentPassword": PASSWORD, "newPassword": PASSWORD });
        eve.client.post("/v1/auth/change-password", change).await.ok(204);
    }
    assert_eq!(mails_to(&app, &eve.email) - before, 10);
}

#[tokio::test]
async fn changes_of_address_cannot_mail_to_any_number_of_strangers() {
    let app = TestApp::new().await;
    let eve = app.person("Eve").await;
    let change =
        |n: usize| json!({ "newEmail": format!("victim{n}@example.com"), "currentPassword": PASSWORD });
    join_all((0..10).map(async |n| {
        eve.client.post("/v1/auth/change-email", change(n)).await.ok(202);
    }))
    .await;
    eve.client.post("/v1/auth/change-email", change(10)).await.refused(429, "too-many-attempts");
}

#[tokio::test]
async fn mails_that_are_refused_do_not_use_up_the_day() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    // After midnight: the limit is one of a calendar day in UTC.
    app.clock.advance(TimeDelta::hours(21));
    let before = mails_to(&app, &ada.email);
    let ask = json!({ "email": ada.email });
    for asked in [30, 5, 5, 5, 5] {
        let clients: Vec<_> = (0..asked).map(|_| app.client()).collect();
        join_all(clients.iter().map(|client| client.post("/v1/auth/magic-links", ask.clone()))).await;
        app.clock.advance(TimeDelta::minutes(15));
    }
    assert_eq!(mails_to(&app, &ada.email) - before, 20);
}
