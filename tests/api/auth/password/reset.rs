use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::TestApp;
use serde_json::{Value, json};

const NEW_PASSWORD: &str = "an entirely different phrase";

fn reset(token: &str) -> Value {
    json!({ "token": token, "newPassword": NEW_PASSWORD })
}

#[tokio::test]
async fn password_reset_by_mail_ends_every_session() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let mail = app.mail_to(&ada.email);
    assert!(mail.text.contains("/reset-password?token=") && mail.html.contains("reset-password?token="));

    let token = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&token)).await.ok(204);

    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    ada.refresh(&ada.refresh_token).await.refused(401, "invalid-refresh-token");
    let login = |password: &str| json!({ "email": ada.email, "password": password });
    let old = app.client().post("/v1/auth/login", login("correct horse battery staple")).await;
    old.refused(401, "wrong-credentials");
    let new = app.client().post("/v1/auth/login", login(NEW_PASSWORD)).await.ok(201);
    assert_eq!(new.body["data"]["user"]["emailVerified"], true, "who reads the mail has proved the address");
    assert_eq!(app.mail_to(&ada.email).subject, "Your password was changed");
    app.client().post("/v1/auth/reset-password", reset(&token)).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn reset_link_expires_after_an_hour_or_with_a_new_password() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let ask = json!({ "email": ada.email });
    app.client().post("/v1/auth/forgot-password", ask.clone()).await.ok(202);
    let first = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/forgot-password", ask.clone()).await.ok(202);
    let second = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&second)).await.ok(204);
    app.client().post("/v1/auth/reset-password", reset(&first)).await.refused(422, "invalid-token");

    app.client().post("/v1/auth/forgot-password", ask).await.ok(202);
    app.clock.advance(TimeDelta::hours(1));
    let late = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&late)).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn mailed_token_is_valid_for_one_purpose_only() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let verification = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&verification)).await.refused(422, "invalid-token");
    let token = json!({ "token": verification });
    for path in ["/v1/auth/confirm-email", "/v1/auth/magic-links/verify"] {
        app.client().post(path, token.clone()).await.refused(422, "invalid-token");
    }
    ada.client.post("/v1/invitations/accept", token.clone()).await.refused(422, "invalid-token");
    app.client().post("/v1/auth/verify-email", token).await.ok(200);
}

#[tokio::test]
async fn requesting_mail_reveals_nothing_about_an_account() {
    let app = TestApp::new().await;
    let (known, unproved) = (app.verified_person("Known").await, app.person("Unproved").await);
    let (suspended, deleted) = (app.person("Suspended").await, app.person("Deleted").await);
    let grace = app.administrator("Grace").await;
    let path = format!("/v1/users/{}/suspend", suspended.id);
    grace.client.post(&path, json!({ "reason": "abuse" })).await.ok(200);
    deleted.client.delete("/v1/auth/me").await.ok(204);
    let before = app.mails().len();
    let emails = [&known.email, &unproved.email, &suspended.email, &deleted.email, "nobody@example.com"];

    for path in ["/v1/auth/forgot-password", "/v1/auth/magic-links"] {
        let clients: Vec<_> = emails.iter().map(|_| app.client()).collect();
        let answers = join_all(
            clients.iter().zip(emails).map(|(client, email)| client.post(path, json!({ "email": email }))),
        )
        .await;
        for answer in &answers {
            assert_eq!((answer.status.as_u16(), &answer.body), (202, &Value::Null), "{answer:?}");
            let names = |answer: &harness::Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(answer), names(&answers[0]));
        }
    }

    let mailed: Vec<_> = app.mails()[before..].iter().map(|mail| mail.to.as_ref().to_owned()).collect();
    assert_eq!(mailed.len(), 4, "{mailed:?}");
    assert!(mailed.iter().all(|to| *to == known.email || *to == unproved.email), "{mailed:?}");
}

#[tokio::test]
async fn mails_to_an_address_are_limited_and_every_link_works() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let before = app.mails().len();
    let strangers: Vec<_> = (0..8).map(|_| app.client()).collect();
    let ask = json!({ "email": ada.email.to_uppercase() });
    join_all(strangers.iter().map(|client| client.post("/v1/auth/forgot-password", ask.clone()))).await;
    assert_eq!(app.mails().len() - before, 5, "five an hour, whoever asks");

    let (_, rest) = app.mails()[before]
        .text
        .split_once("token=")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("a link");
    let first = rest.split_whitespace().next().expect("a token");
    app.client().post("/v1/auth/reset-password", reset(first)).await.ok(204);
}

#[tokio::test]
async fn weak_new_password_is_refused_and_the_token_stays_valid() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let token = app.token_mailed_to(&ada.email);
    let weak = json!({ "token": token, "newPassword": "password1" });
    app.client().post("/v1/auth/reset-password", weak).await.refused(422, "invalid-body");
    app.client().post("/v1/auth/reset-password", reset(&token)).await.ok(204);
}
