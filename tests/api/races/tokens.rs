use futures_util::future::join_all;
use harness::{Person, TestApp};
use serde_json::json;

use super::{assert_one_succeeded, concurrent_app, send_from_many};

const ROUNDS: usize = 3;

/// Creates a user for each round, and requests a mail for each by sending the address to `path`.
async fn people_with_mail<'a>(app: &'a TestApp, path: &str) -> Vec<Person<'a>> {
    join_all((0..ROUNDS).map(async |_| {
        let person = app.person("Ada").await;
        app.client().post(path, json!({ "email": person.email })).await.ok(202);
        person
    }))
    .await
}

#[tokio::test]
async fn one_of_sixteen_concurrent_password_resets_succeeds() {
    let app = concurrent_app().await;
    for ada in people_with_mail(&app, "/v1/auth/forgot-password").await {
        let token = app.token_mailed_to(&ada.email);
        let phrase = |n| format!("an entirely new phrase {n}");
        let body = |n| json!({ "token": token, "newPassword": phrase(n) });

        let answers = send_from_many(&app, "/v1/auth/reset-password", body).await;

        let winner = assert_one_succeeded(&answers, 204, (422, "invalid-token"));
        let login = |n| json!({ "email": ada.email, "password": phrase(n) });
        app.client().post("/v1/auth/login", login(winner)).await.ok(201);
        let loser = (winner + 1) % answers.len();
        app.client().post("/v1/auth/login", login(loser)).await.refused(401, "wrong-credentials");
    }
    let resets =
        "SELECT count(*) FROM audit_events WHERE action = 'user.password_reset' AND outcome = 'success'";
    assert_eq!(app.database.value::<i64>(resets).await, 3);
}

#[tokio::test]
async fn one_of_sixteen_concurrent_uses_of_a_magic_link_signs_in() {
    let app = concurrent_app().await;
    for ada in people_with_mail(&app, "/v1/auth/magic-links").await {
        let token = app.token_mailed_to(&ada.email);

        let answers =
            send_from_many(&app, "/v1/auth/magic-links/verify", |_| json!({ "token": token })).await;

        let winner = assert_one_succeeded(&answers, 201, (422, "invalid-token"));
        let client = app.client().token(answers[winner].text("/data/accessToken"));
        let sessions = client.get("/v1/auth/sessions").await.ok(200);
        assert_eq!(sessions.body["data"].as_array().map(Vec::len), Some(1), "{sessions:?}");
        ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn one_of_sixteen_concurrent_uses_of_a_code_signs_in() {
    let app = concurrent_app().await;
    for ada in people_with_mail(&app, "/v1/auth/magic-links").await {
        let code = app.code_mailed_to(&ada.email);
        let link = json!({ "token": app.token_mailed_to(&ada.email) });
        let body = |_| json!({ "email": ada.email, "code": code });

        let answers = send_from_many(&app, "/v1/auth/magic-links/verify", body).await;

        assert_one_succeeded(&answers, 201, (422, "invalid-code"));
        app.client().post("/v1/auth/magic-links/verify", link).await.refused(422, "invalid-token");
    }
}

#[tokio::test]
async fn one_of_sixteen_concurrent_rejections_of_a_sign_in_succeeds() {
    let app = concurrent_app().await;
    for _ in 0..ROUNDS {
        let ada = app.verified_person("Ada").await;
        ada.sign_in_elsewhere().await;
        let token = app.token_mailed_to(&ada.email);
        let before = app.mail_count(&ada.email);

        let answers = send_from_many(&app, "/v1/auth/reject-sign-in", |_| json!({ "token": token })).await;

        assert_one_succeeded(&answers, 204, (422, "invalid-token"));
        assert_eq!(app.mail_count(&ada.email), before + 1);
        ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn five_of_sixteen_concurrent_guesses_at_a_code_are_checked() {
    let app = concurrent_app().await;
    let ada = &people_with_mail(&app, "/v1/auth/magic-links").await[0];
    let code = app.code_mailed_to(&ada.email);
    let guess = |n| json!({ "email": ada.email, "code": format!("guess{n}") });

    let answers = send_from_many(&app, "/v1/auth/magic-links/verify", guess).await;

    for answer in &answers {
        answer.refused(422, "invalid-code");
    }
    let attempts = "SELECT max(code_attempts) FROM verification_tokens";
    assert_eq!(app.database.value::<i32>(attempts).await, 5);
    let right = json!({ "email": ada.email, "code": code });
    app.client().post("/v1/auth/magic-links/verify", right).await.refused(422, "invalid-code");
    let link = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post("/v1/auth/magic-links/verify", link).await.ok(201);
}

#[tokio::test]
async fn sixteen_concurrent_requests_for_a_magic_link_leave_one_code() {
    let app = concurrent_app().await;
    let live = "SELECT count(*) FROM verification_tokens WHERE code_hash IS NOT NULL AND consumed_at IS NULL";
    for round in 1..=2 {
        let ada = app.person("Ada").await;
        for answer in send_from_many(&app, "/v1/auth/magic-links", |_| json!({ "email": ada.email })).await {
            answer.ok(202);
        }
        let mails = app
            .mails()
            .into_iter()
            .filter(|mail| mail.to.as_ref() == ada.email && mail.text.contains("magic-link"));
        assert_eq!(mails.count(), 5);
        assert_eq!(app.database.value::<i64>(live).await, round);
    }
}

#[tokio::test]
async fn one_of_sixteen_concurrent_address_confirmations_succeeds() {
    let app = concurrent_app().await;
    let people = join_all((0..ROUNDS).map(async |_| {
        let ada = app.person("Ada").await;
        let change =
            json!({ "newEmail": format!("new.{}", ada.email), "currentPassword": harness::PASSWORD });
        ada.client.post("/v1/auth/change-email", change).await.ok(202);
        ada
    }))
    .await;
    for ada in people {
        let email = format!("new.{}", ada.email);
        let token = app.token_mailed_to(&email);

        let body = |_| json!({ "token": token, "currentPassword": harness::PASSWORD });
        let answers = send_from_many(&app, "/v1/auth/confirm-email", body).await;

        assert_one_succeeded(&answers, 204, (422, "invalid-token"));
        assert_eq!(ada.client.get("/v1/auth/me").await.text("/data/email"), email);
    }
}

#[tokio::test]
async fn one_of_four_concurrent_changes_to_one_address_succeeds() {
    let app = concurrent_app().await;
    let change = json!({ "newEmail": "wanted@example.com", "currentPassword": harness::PASSWORD });
    let tokens = join_all((0..4).map(async |_| {
        let person = app.person("Ada").await;
        person.client.post("/v1/auth/change-email", change.clone()).await.ok(202);
    }));
    tokens.await;
    let wanted = app.mails().into_iter().filter(|mail| mail.to.as_ref() == "wanted@example.com");
    let tokens: Vec<_> = wanted.map(|mail| harness::token_in(&mail.text)).collect();
    assert_eq!(tokens.len(), 4);

    let client = app.client();
    let answers = join_all(tokens.iter().map(|token| {
        let proof = json!({ "token": token, "currentPassword": harness::PASSWORD });
        client.post("/v1/auth/confirm-email", proof)
    }))
    .await;

    assert_one_succeeded(&answers, 204, (409, "email-taken"));
}

#[tokio::test]
async fn one_of_sixteen_concurrent_address_verifications_succeeds() {
    let app = concurrent_app().await;
    for _ in 0..ROUNDS {
        let ada = app.person("Ada").await;
        let token = app.token_mailed_to(&ada.email);
        let answers = send_from_many(&app, "/v1/auth/verify-email", |_| json!({ "token": token })).await;
        assert_one_succeeded(&answers, 200, (422, "invalid-token"));
        assert_eq!(ada.client.get("/v1/auth/me").await.body["data"]["emailVerified"], true);
    }
}
