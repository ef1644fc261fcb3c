//! A passkey as a second factor, and as a proof of a session.

use chrono::TimeDelta;
use harness::TestApp;
use serde_json::json;

const REAUTHENTICATE: &str = "/v1/auth/reauthenticate";
const VERIFY: &str = "/v1/auth/challenges/verify";

#[tokio::test]
async fn passkey_is_a_second_factor_at_a_challenge() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let (hers, theirs) = (ada.add_passkey("Phone").await, zoe.add_passkey("Phone").await);
    ada.add_authenticator().await;
    let login = json!({ "email": ada.email, "password": harness::PASSWORD });
    let answer = app.client().post("/v1/auth/login", login).await.ok(200);
    assert_eq!(answer.body["data"]["challenge"]["methods"], json!(["totp", "recovery_code", "passkey"]));
    let token = answer.text("/data/challenge/token");

    let foreign = app.client().passkey_code(&theirs).await;
    app.client().answer_challenge(token, "passkeyCode", &foreign).await.refused(401, "wrong-code");
    let code = app.client().passkey_code(&hers).await;
    let both = json!({ "token": token, "code": "123456", "passkeyCode": code });
    app.client().post(VERIFY, both).await.refused(422, "code-or-recovery-code");
    app.client().answer_challenge(token, "passkeyCode", &code).await.ok(201);
    let other = app.challenge(&ada.email).await;
    app.client().answer_challenge(&other, "passkeyCode", &code).await.refused(401, "wrong-code");
    // The wrong guess at another account has not used up its code.
    app.client().post("/v1/auth/oauth/exchange", json!({ "passkeyCode": foreign })).await.ok(201);
}

#[tokio::test]
async fn challenge_offers_what_its_own_user_has() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    zoe.add_passkey("Phone").await;
    zoe.add_authenticator().await;
    ada.add_authenticator().await;
    let used = "DELETE FROM recovery_codes USING users WHERE users.id = user_id AND users.name = 'Ada'";
    app.database.execute(used).await;
    let login = json!({ "email": ada.email, "password": harness::PASSWORD });
    let answer = app.client().post("/v1/auth/login", login).await.ok(200);
    assert_eq!(answer.body["data"]["challenge"]["methods"], json!(["totp"]));
}

#[tokio::test]
async fn passkey_alone_lets_no_sign_in_ask_for_a_second_factor() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    ada.add_passkey("Phone").await;
    ada.sign_in_elsewhere().await;
}

#[tokio::test]
async fn passkey_makes_a_session_recent() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let (hers, theirs) = (ada.add_passkey("Phone").await, zoe.add_passkey("Phone").await);
    app.clock.advance(TimeDelta::minutes(11));
    ada.client.post_nothing("/v1/auth/totp").await.refused(401, "fresh-sign-in-needed");
    let foreign = json!({ "passkeyCode": app.client().passkey_code(&theirs).await });
    ada.client.post(REAUTHENTICATE, foreign).await.refused(403, "wrong-code");
    let code = json!({ "passkeyCode": app.client().passkey_code(&hers).await });
    ada.client.post(REAUTHENTICATE, code.clone()).await.ok(204);
    ada.client.post_nothing("/v1/auth/totp").await.ok(201);
    ada.client.post(REAUTHENTICATE, code).await.refused(403, "wrong-code");
}

#[tokio::test]
async fn session_with_a_passkey_passes_where_a_second_factor_is_required() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    let team = ada.create_organization("Engines").await;
    let members = format!("{team}/members");
    let lacking = format!("{members}?secondFactor=false");
    assert_eq!(ada.client.get(&lacking).await.ok(200).body["data"], json!([]));
    app.database.execute("UPDATE organizations SET second_factor_from = created_at").await;
    ada.client.get(&members).await.refused(403, "second-factor-needed");
    let code = json!({ "passkeyCode": app.client().passkey_code(&passkey).await });
    ada.client.post(REAUTHENTICATE, code).await.ok(204);
    ada.client.get(&members).await.ok(200);
    // Without the passkey, its sessions count as those with one factor.
    app.database.execute("DELETE FROM passkeys").await;
    ada.client.get(&members).await.refused(403, "second-factor-needed");
}

#[tokio::test]
async fn passkey_of_one_member_counts_for_nobody_else() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    ada.add_passkey("Phone").await;
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let members = format!("{team}/members");
    for sort in ["createdAt", "-createdAt"] {
        for (has, id) in [(true, &ada.id), (false, &bob.id)] {
            let list = ada.client.get(&format!("{members}?sort={sort}&secondFactor={has}")).await.ok(200);
            let rows = list.body["data"].as_array().expect("members");
            let rows: Vec<_> = rows.iter().map(|row| (&row["id"], &row["secondFactor"])).collect();
            assert_eq!(rows, [(&json!(id), &json!(has))]);
        }
    }
    let his = format!("{members}/{}", bob.id);
    assert_eq!(ada.client.get(&his).await.ok(200).body["data"]["secondFactor"], false);
    let changed = ada.client.patch(&his, json!({ "role": "admin" })).await.ok(200);
    assert_eq!(changed.body["data"]["secondFactor"], false);

    // Both sessions were opened with a passkey; Bob has none any more.
    app.database.execute("UPDATE sessions SET factors = '{passkey}'").await;
    app.database.execute("UPDATE organizations SET second_factor_from = created_at").await;
    bob.client.get(&members).await.refused(403, "second-factor-needed");
    ada.client.get(&members).await.ok(200);
}
