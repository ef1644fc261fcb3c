use chrono::TimeDelta;
use data_encoding::BASE32_NOPAD;
use harness::{TestApp, all_rows};

use super::TOTP;

#[tokio::test]
async fn export_shows_the_factors_and_no_secret() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    ada.add_authenticator().await;
    app.challenge(&ada.email).await;
    let export = ada.client.get("/v1/auth/me/export").await.ok(200);
    let records = export.body["data"]["records"].as_array().expect("records");
    let rows = |table: &str| {
        let found = records.iter().find(|records| records["table"] == table).expect("the table");
        found["rows"].as_array().expect("rows").clone()
    };
    assert!(rows("totp_factors")[0]["confirmedAt"].is_string());
    assert_eq!(rows("recovery_codes").len(), 10);
    assert_eq!(rows("sign_in_challenges")[0]["firstFactor"], "password");
    let text = export.body.to_string();
    assert!(!text.contains("\"sealed\"") && !text.contains("odeHash"), "{text}");
}

#[tokio::test]
async fn nothing_remains_of_the_factors_of_an_erased_user() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    ada.add_authenticator().await;
    app.challenge(&ada.email).await;
    root.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);
    let rows = "SELECT (SELECT count(*) FROM totp_factors) + (SELECT count(*) FROM recovery_codes)
                       + (SELECT count(*) FROM sign_in_challenges)
                       + (SELECT count(*) FROM users WHERE second_factor_at IS NOT NULL)";
    assert_eq!(app.database.value::<i64>(rows).await, 0);
}

/// With the database alone, nobody can compute a code.
#[tokio::test]
async fn neither_seed_nor_code_nor_token_is_in_the_database() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let started = ada.client.post_nothing(TOTP).await.ok(201);
    let seed = BASE32_NOPAD.decode(started.text("/data/secret").as_bytes()).expect("base32");
    let found = "SELECT count(*) FROM totp_factors WHERE position($1 IN sealed) > 0";
    let found: i64 =
        sqlx::query_scalar(found).bind(&seed).fetch_one(app.database.pool()).await.expect("a count");
    assert_eq!(found, 0);

    let factor = ada.add_authenticator().await;
    let token = app.challenge(&ada.email).await;
    let rows = all_rows(&app).await;
    for secret in factor.recovery_codes.iter().chain([&token]) {
        let bare = secret.replace('-', "");
        assert!(!rows.contains(secret) && !rows.contains(&bare));
    }
}

#[tokio::test]
async fn seed_copied_to_another_user_makes_no_codes() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let (of_ada, _) = (ada.add_authenticator().await, bob.add_authenticator().await);
    sqlx::query("UPDATE totp_factors SET sealed = (SELECT sealed FROM totp_factors WHERE user_id = $1::uuid) WHERE user_id = $2::uuid")
        .bind(&ada.id)
        .bind(&bob.id)
        .execute(app.database.pool())
        .await
        .expect("a changed row");
    let token = app.challenge(&bob.email).await;
    app.clock.advance(TimeDelta::seconds(30));
    let code = app.next_code(&of_ada.app);
    app.client().answer_challenge(&token, "code", &code).await.refused(500, "internal");
}
