//! `/v1/auth/passkeys…`: also what `auth` does with them.

mod factors;
mod removal;
mod tampered;

use chrono::TimeDelta;
use harness::{Passkey, TestApp, passkey::unknown_credential};
use serde_json::{Value, json};

const EXCHANGE: &str = "/v1/auth/oauth/exchange";

#[tokio::test]
async fn passkey_signs_in_without_a_name_and_without_a_second_factor() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    ada.add_authenticator().await;
    let answer = app.client().sign_in_with_passkey(&passkey).await.ok(201);
    assert_eq!(answer.text("/data/user/id"), ada.id);
    let factors = "SELECT factors FROM sessions ORDER BY id DESC LIMIT 1";
    assert_eq!(app.database.value::<Vec<String>>(factors).await, ["passkey"]);
    assert_eq!(app.mail_to(&ada.email).subject, "A sign-in from a new device");
}

#[tokio::test]
async fn options_ask_for_a_discoverable_credential_and_user_verification() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    ada.add_passkey("Phone").await;
    let begun = ada.begin_passkey().await;
    let options = &begun["publicKey"];
    assert_eq!(options["rp"]["id"], "app.example.com");
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["excludeCredentials"].as_array().map(Vec::len), Some(1));
    let begun = app.client().begin_passkey_sign_in().await;
    assert_eq!(begun["publicKey"]["allowCredentials"], json!([]));
    assert_eq!(begun["publicKey"]["userVerification"], "required");
    assert_eq!(begun["publicKey"]["rpId"], "app.example.com");
}

#[tokio::test]
async fn adding_needs_a_recent_sign_in_and_a_proved_address() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let options = "/v1/auth/passkeys/options";
    ada.client.post_nothing(options).await.refused(403, "address-not-proved");
    ada.verify_address().await;
    let begun = ada.begin_passkey().await;
    let credential = Passkey::new(&begun["publicKey"]).create(&begun["publicKey"], |_| ());
    app.clock.advance(TimeDelta::minutes(11));
    ada.client.post_nothing(options).await.refused(401, "fresh-sign-in-needed");
    ada.finish_passkey(&begun, "Phone", &credential).await.refused(401, "fresh-sign-in-needed");
}

#[tokio::test]
async fn adding_is_mailed_and_recorded_and_ends_at_twenty() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    for n in 0..19 {
        ada.add_passkey(&format!("Key {n}")).await;
    }
    let late = ada.begin_passkey().await;
    ada.add_passkey("Phone").await;
    assert_eq!(app.mail_to(&ada.email).subject, "A passkey was added");
    let added =
        "SELECT count(*) FROM audit_events WHERE action = 'user.passkey_added' AND outcome = 'success'";
    assert_eq!(app.database.value::<i64>(added).await, 20);
    let credential = Passkey::new(&late["publicKey"]).create(&late["publicKey"], |_| ());
    ada.finish_passkey(&late, "One more", &credential).await.refused(409, "too-many-passkeys");
    ada.client.post_nothing("/v1/auth/passkeys/options").await.refused(409, "too-many-passkeys");
}

#[tokio::test]
async fn passkeys_are_listed_and_renamed_by_their_user_only() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let passkey = ada.add_passkey("Phone").await;
    app.client().sign_in_with_passkey(&passkey).await.ok(201);
    let listed = passkeys(&ada.client.get("/v1/auth/accounts").await.ok(200).body);
    assert_eq!((&listed[0]["name"], &listed[0]["backedUp"]), (&json!("Phone"), &json!(false)));
    assert!(listed[0]["lastUsedAt"].is_string() && listed[0]["createdAt"].is_string());
    let path = format!("/v1/auth/passkeys/{}", listed[0]["id"].as_str().expect("an id"));

    zoe.client.patch(&path, json!({ "name": "Mine" })).await.refused(404, "passkey-not-found");
    zoe.client.delete(&path).await.refused(404, "passkey-not-found");
    assert!(passkeys(&zoe.client.get("/v1/auth/accounts").await.ok(200).body).is_empty());

    let renamed = ada.client.patch(&path, json!({ "name": "Old phone" })).await.ok(200);
    assert_eq!((renamed.text("/data/name"), renamed.header("etag")), ("Old phone", "\"2\""));
    let stale = ada.client.with("if-match", "\"1\"");
    stale.patch(&path, json!({ "name": "New phone" })).await.refused(412, "stale");
    ada.client.patch(&path, json!({ "name": null })).await.refused(422, "cannot-be-removed");
}

#[tokio::test]
async fn passkeys_of_one_user_are_told_apart() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (phone, laptop) = (ada.add_passkey("Phone").await, ada.add_passkey("Laptop").await);
    for passkey in [&phone, &laptop] {
        app.client().sign_in_with_passkey(passkey).await.ok(201);
    }
    let listed = passkeys(&ada.client.get("/v1/auth/accounts").await.ok(200).body);
    let path = format!("/v1/auth/passkeys/{}", listed[0]["id"].as_str().expect("an id"));
    ada.client.patch(&path, json!({ "name": "Old phone" })).await.ok(200);
    let listed = passkeys(&ada.client.get("/v1/auth/accounts").await.ok(200).body);
    assert_eq!((&listed[0]["name"], &listed[1]["name"]), (&json!("Old phone"), &json!("Laptop")));
    ada.client.delete(&path).await.ok(204);
    let listed = passkeys(&ada.client.get("/v1/auth/accounts").await.ok(200).body);
    assert_eq!((listed.len(), &listed[0]["name"]), (1, &json!("Laptop")));
}

/// Returns the passkeys in an answer that lists ways to sign in.
fn passkeys(body: &Value) -> Vec<Value> {
    let methods = body["data"].as_array().expect("a list").iter();
    methods.filter(|method| method["method"] == "passkey").cloned().collect()
}

#[tokio::test]
async fn code_works_once_within_a_minute_and_is_no_code_of_a_provider() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    let client = app.client();
    let code = client.passkey_code(&passkey).await;
    client.post(EXCHANGE, json!({ "code": code })).await.refused(401, "wrong-sign-in-code");
    client
        .post(EXCHANGE, json!({ "code": code, "passkeyCode": code }))
        .await
        .refused(422, "code-or-passkey-code");
    client.post(EXCHANGE, json!({})).await.refused(422, "code-or-passkey-code");
    client.post(EXCHANGE, json!({ "passkeyCode": code })).await.ok(201);
    client.post(EXCHANGE, json!({ "passkeyCode": code })).await.refused(401, "wrong-sign-in-code");
    client.post(EXCHANGE, json!({ "passkeyCode": "unknown" })).await.refused(401, "wrong-sign-in-code");
    let late = client.passkey_code(&passkey).await;
    app.clock.advance(TimeDelta::seconds(60));
    client.post(EXCHANGE, json!({ "passkeyCode": late })).await.refused(401, "wrong-sign-in-code");
}

#[tokio::test]
async fn answer_does_not_tell_whether_a_credential_is_known() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let known = ada.add_passkey("Phone").await;
    let begun = ada.begin_passkey().await;
    let unknown = Passkey::new(&begun["publicKey"]);
    let mut answers = Vec::new();
    for passkey in [&known, &unknown] {
        let begun = app.client().begin_passkey_sign_in().await;
        let credential = passkey.sign(&begun["publicKey"], |said| said.flips_signature = true);
        let answer = app.client().finish_passkey_sign_in(&begun, &credential).await;
        answer.refused(401, "wrong-passkey");
        answers.push((answer.body["title"].clone(), answer.body["detail"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    let begun = app.client().begin_passkey_sign_in().await;
    let answer = app.client().finish_passkey_sign_in(&begun, &unknown_credential()).await;
    answer.refused(401, "wrong-passkey");
}

#[tokio::test]
async fn suspended_or_deleted_user_does_not_sign_in_with_a_passkey() {
    for change in [
        "UPDATE users SET suspended_at = now(), suspended_reason = 'a test'",
        "UPDATE users SET deleted_at = now()",
    ] {
        let app = TestApp::new().await;
        let ada = app.verified_person("Ada").await;
        let passkey = ada.add_passkey("Phone").await;
        let code = app.client().passkey_code(&passkey).await;
        app.database.execute(change).await;
        app.client().post(EXCHANGE, json!({ "passkeyCode": code })).await.refused(401, "wrong-sign-in-code");
        let begun = app.client().begin_passkey_sign_in().await;
        let credential = passkey.sign(&begun["publicKey"], |_| ());
        app.client().finish_passkey_sign_in(&begun, &credential).await.refused(401, "wrong-passkey");
    }
}
