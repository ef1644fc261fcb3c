use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{ORIGIN, TestApp};
use serde_json::json;

const VERIFY: &str = "/v1/auth/magic-links/verify";

#[tokio::test]
async fn magic_link_signs_in_once() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(&ada.email) });

    let signed_in = app.client().post(VERIFY, token.clone()).await.ok(201);

    assert_eq!(signed_in.text("/data/user/id"), ada.id);
    let client = app.client().token(signed_in.text("/data/accessToken"));
    client.get("/v1/auth/me").await.ok(200);
    app.client().post(VERIFY, token).await.refused(422, "invalid-token");
    ada.client.get("/v1/auth/me").await.ok(200);
    ada.sign_in_again().await;
}

#[tokio::test]
async fn mailed_code_signs_in_and_uses_up_the_link() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let code = json!({ "email": ada.email.to_uppercase(), "code": app.code_mailed_to(&ada.email) });
    let token = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post(VERIFY, code.clone()).await.ok(201);
    app.client().post(VERIFY, code).await.refused(422, "invalid-code");
    app.client().post(VERIFY, token).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn five_wrong_codes_from_any_source_end_the_code_but_not_the_link() {
    let app = TestApp::with(&[("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")]).await;
    let ada = app.verified_person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let right = app.code_mailed_to(&ada.email);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let guess = json!({ "email": ada.email, "code": wrong });
    let strangers: Vec<_> = (0..16).map(|_| app.client()).collect();
    for answer in join_all(strangers.iter().map(|client| client.post(VERIFY, guess.clone()))).await {
        answer.refused(422, "invalid-code");
    }
    let guessed: i32 = app.database.value("SELECT max(code_attempts) FROM verification_tokens").await;
    assert_eq!(guessed, 5);

    let right = json!({ "email": ada.email, "code": right });
    app.client().post(VERIFY, right).await.refused(422, "invalid-code");
    app.client().post(VERIFY, json!({ "token": app.token_mailed_to(&ada.email) })).await.ok(201);
}

#[tokio::test]
async fn address_owner_takes_over_an_account_registered_by_another() {
    let app = TestApp::new().await;
    let thief = app.person("Victim").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": thief.email })).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(&thief.email) });

    let owner = app.client().post(VERIFY, token).await.ok(201);

    assert_eq!(owner.body["data"]["user"]["emailVerified"], true);
    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    thief.refresh(&thief.refresh_token).await.refused(401, "invalid-refresh-token");
    let password = json!({ "email": thief.email, "password": "correct horse battery staple" });
    app.client().post("/v1/auth/login", password).await.refused(401, "wrong-credentials");
    app.client().token(owner.text("/data/accessToken")).get("/v1/auth/me").await.ok(200);
}

/// Signs in by mail as the owner of the address, and checks that the password and the session of `person` no longer work.
async fn assert_owner_gets_the_account(app: &TestApp, email: &str, person: &harness::Person<'_>) {
    app.client().post("/v1/auth/magic-links", json!({ "email": email })).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(email) });
    let owner = app.client().post(VERIFY, token).await.ok(201);
    person.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let password = json!({ "email": email, "password": harness::PASSWORD });
    app.client().post("/v1/auth/login", password).await.refused(401, "wrong-credentials");
    app.client().token(owner.text("/data/accessToken")).get("/v1/auth/me").await.ok(200);
}

#[tokio::test]
async fn confirming_the_address_does_not_prove_the_password_of_a_stranger() {
    let app = TestApp::new().await;
    let thief = app.person("Victim").await;
    let confirmation = json!({ "token": app.token_mailed_to(&thief.email) });
    app.client().post("/v1/auth/verify-email", confirmation).await.ok(200);
    thief.client.get("/v1/auth/me").await.ok(200);
    // The thief cannot make the password count as proved.
    let change =
        json!({ "currentPassword": harness::PASSWORD, "newPassword": "an entirely different phrase" });
    thief.client.post("/v1/auth/change-password", change).await.ok(204);
    let back = json!({ "currentPassword": "an entirely different phrase", "newPassword": harness::PASSWORD });
    thief.client.post("/v1/auth/change-password", back).await.ok(204);
    assert_owner_gets_the_account(&app, &thief.email, &thief).await;
}

#[tokio::test]
async fn password_from_before_the_address_was_confirmed_counts_as_proved_only_while_it_is_confirmed() {
    let app = TestApp::new().await;
    let thief = app.person("Victim").await;
    // A row from before the column existed.
    app.database.execute("UPDATE users SET password_proved = true").await;
    let confirmation = json!({ "token": app.token_mailed_to(&thief.email) });
    app.client().post("/v1/auth/verify-email", confirmation).await.ok(200);
    assert_owner_gets_the_account(&app, &thief.email, &thief).await;
}

#[tokio::test]
async fn password_that_was_chosen_by_mail_stays_after_a_sign_in_by_mail() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let reset = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": harness::PASSWORD });
    app.client().post("/v1/auth/reset-password", reset).await.ok(204);
    let laptop = ada.sign_in_again().await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    app.client().post(VERIFY, json!({ "token": app.token_mailed_to(&ada.email) })).await.ok(201);
    laptop.client.get("/v1/auth/me").await.ok(200);
    ada.sign_in_again().await;
}

#[tokio::test]
async fn magic_link_expires_after_15_minutes() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    app.clock.advance(TimeDelta::minutes(15));
    app.client()
        .post(VERIFY, json!({ "token": app.token_mailed_to(&ada.email) }))
        .await
        .refused(422, "invalid-token");
    let code = json!({ "email": ada.email, "code": app.code_mailed_to(&ada.email) });
    app.client().post(VERIFY, code).await.refused(422, "invalid-code");
}

#[tokio::test]
async fn body_needs_either_a_token_or_an_address_and_a_code() {
    let app = TestApp::new().await;
    for body in [
        json!({}),
        json!({ "email": "ada@example.com" }),
        json!({ "code": "123456" }),
        json!({ "token": "x", "email": "ada@example.com", "code": "123456" }),
    ] {
        app.client().post(VERIFY, body).await.refused(422, "token-or-code");
    }
    let nobody = json!({ "email": "nobody@example.com", "code": "123456" });
    app.client().post(VERIFY, nobody).await.refused(422, "invalid-code");
}

#[tokio::test]
async fn browser_gets_its_refresh_token_in_a_cookie() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let proof = json!({ "token": app.token_mailed_to(&ada.email), "transport": "cookie" });
    app.client().post(VERIFY, proof.clone()).await.refused(403, "foreign-origin");
    let answer = app.client().with("origin", ORIGIN).post(VERIFY, proof).await.ok(201);
    assert!(answer.header("set-cookie").starts_with("__Host-arches_refresh=rt_"));
    assert!(answer.body["data"]["refreshToken"].is_null());
}

#[tokio::test]
async fn twenty_guesses_a_day_and_one_valid_code_at_a_time() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let ask = json!({ "email": ada.email });
    app.client().post("/v1/auth/magic-links", ask.clone()).await.ok(202);
    let (first, link) = (app.code_mailed_to(&ada.email), app.token_mailed_to(&ada.email));
    app.client().post("/v1/auth/magic-links", ask).await.ok(202);
    let earlier = json!({ "email": ada.email, "code": first });
    app.client().post(VERIFY, earlier.clone()).await.refused(422, "invalid-code");
    for _ in 0..19 {
        app.client().post(VERIFY, earlier.clone()).await.refused(422, "invalid-code");
    }
    app.database.execute("UPDATE verification_tokens SET code_attempts = 0").await;
    let right = json!({ "email": ada.email, "code": app.code_mailed_to(&ada.email) });
    app.client().post(VERIFY, right).await.refused(422, "invalid-code");
    app.client().post(VERIFY, json!({ "token": link })).await.ok(201);
}
