//! Operations that need a recent sign-in.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use harness::{
    Answer, CHALLENGE, Client, Person, TestApp,
    document::{Operation, operations},
};
use serde_json::json;

/// The operations that always need one.
const ALWAYS: &[&str] = &[
    "add_passkey",
    "begin_passkey",
    "confirm_totp",
    "create_account",
    "create_api_key",
    "create_my_export",
    "create_recovery_codes",
    "delete_me",
    "delete_organization",
    "delete_user",
    "erase_user",
    "export_me",
    "export_user",
    "lift_legal_hold",
    "lift_mail_suppression",
    "place_legal_hold",
    "recover_user",
    "remove_account",
    "remove_passkey",
    "remove_totp",
    "remove_user_factors",
    "restore_organization",
    "restore_user",
    "revoke_user_sessions",
    "rotate_api_key",
    "set_api_key_rate_limit",
    "set_organization_rate_limit",
    "start_totp",
    "suspend_user",
    "update_api_key",
    "update_user",
];
/// The operations that need one to make an owner, or to change what an organization requires.
const SOMETIMES: &[&str] = &["create_invitation", "update_member", "update_organization"];

/// Returns the operations whose 401 names the problem.
fn documented() -> Vec<Operation> {
    let document = openapi::document();
    let mut operations = operations();
    operations.retain(|operation| {
        let method = operation.method.as_str().to_lowercase();
        let responses = &document["paths"][&operation.path][&method]["responses"];
        responses["401"]["description"].as_str().is_some_and(|text| text.contains("fresh-sign-in-needed"))
    });
    operations
}

/// Makes `person` a system administrator, and returns the organization's path and the ids for the paths of all operations.
async fn create_fixture(app: &TestApp, person: &Person<'_>) -> (String, impl Fn(&str) -> String) {
    let organization = person.create_organization("Guild").await;
    let ids = person.create_everything(&organization).await;
    let bob = app.verified_person("Bob").await;
    person.add(&organization, &bob, "admin").await;
    sqlx::query("UPDATE users SET system_administrator = true WHERE id = $1::uuid")
        .bind(&person.id)
        .execute(app.database.pool())
        .await
        .expect("the user exists");
    let (other, own) = (bob.id.clone(), organization.rsplit('/').next().expect("an id").to_owned());
    let value = move |parameter: &str| match parameter {
        "organizationId" => own.clone(),
        "userId" | "memberId" => other.clone(),
        "id" => "password".to_owned(),
        _ => ids[parameter].clone(),
    };
    (organization, value)
}

async fn send(client: &Client<'_>, operation: &Operation, value: impl Fn(&str) -> String) -> Answer {
    let mut body = operation.body.clone();
    match operation.id.as_str() {
        "create_invitation" | "update_member" => body.as_mut().expect("a body")["role"] = json!("owner"),
        "update_organization" => body = Some(json!({ "secondFactorRequiredFrom": null })),
        "create_account" => body = Some(json!({ "provider": "acme" })),
        // Without the optional proof.
        "delete_me" | "remove_account" | "remove_passkey" => body = None,
        _ => {}
    }
    let path = match operation.id.as_str() {
        "remove_passkey" => operation.path_with(|_| "01890000-0000-7000-8000-000000000000".to_owned()),
        _ => operation.path_with(value),
    };
    client.call(&operation.method, &path, body.as_ref()).await
}

#[test]
fn documented_operations_are_those_that_are_tested() {
    let documented = documented();
    let ids: BTreeSet<_> = documented.iter().map(|operation| operation.id.as_str()).collect();
    let tested: BTreeSet<_> = ALWAYS.iter().chain(SOMETIMES).copied().collect();
    assert_eq!(ids, tested);
}

#[tokio::test]
async fn sign_in_of_eleven_minutes_ago_is_refused_and_nothing_changes() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (_, value) = create_fixture(&app, &ada).await;
    app.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let refreshed = ada.refresh(&ada.refresh_token).await.ok(200);
    let client = ada.client.token(refreshed.text("/data/accessToken"));
    let before = app.database.checksums().await;

    for operation in documented() {
        let answer = send(&client, &operation, &value).await;
        answer.refused(401, "fresh-sign-in-needed");
        assert_eq!(answer.body["maxAge"], 600);
        let challenge = r#"Bearer error="insufficient_user_authentication", max_age="600""#;
        assert_eq!(answer.header(CHALLENGE.as_str()), challenge);
    }

    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn sign_in_of_ten_minutes_ago_is_enough() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (organization, _) = create_fixture(&app, &ada).await;
    app.clock.advance(TimeDelta::minutes(9) + TimeDelta::seconds(50));
    ada.create_key(&organization, &["members:read"]).await;
}

#[tokio::test]
async fn making_less_than_an_owner_needs_no_recent_sign_in() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let organization = ada.create_organization("Guild").await;
    app.clock.advance(TimeDelta::minutes(11));
    ada.add(&organization, &bob, "member").await;
    let member = format!("{organization}/members/{}", bob.id);
    ada.client.patch(&member, json!({ "role": "admin" })).await.ok(200);
}

#[tokio::test]
async fn reauthentication_makes_this_session_recent_and_no_other() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let other = ada.sign_in_again().await;
    app.clock.advance(TimeDelta::minutes(11));
    ada.client.get("/v1/auth/me/export").await.refused(401, "fresh-sign-in-needed");

    let proof = json!({ "currentPassword": "correct horse battery staple" });
    ada.client.post("/v1/auth/reauthenticate", proof).await.ok(204);

    ada.client.get("/v1/auth/me/export").await.ok(200);
    other.client.get("/v1/auth/me/export").await.refused(401, "fresh-sign-in-needed");
    app.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let refreshed = ada.refresh(&ada.refresh_token).await.ok(200);
    let client = ada.client.token(refreshed.text("/data/accessToken"));
    client.get("/v1/auth/me/export").await.refused(401, "fresh-sign-in-needed");
}

#[tokio::test]
async fn mailed_code_reauthenticates_once() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.clock.advance(TimeDelta::minutes(11));
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let code = json!({ "code": app.code_mailed_to(&ada.email) });

    ada.client.post("/v1/auth/reauthenticate", code.clone()).await.ok(204);
    ada.client.post("/v1/auth/reauthenticate", code).await.refused(422, "invalid-code");

    ada.client.get("/v1/auth/me/export").await.ok(200);
}

#[tokio::test]
async fn wrong_proof_does_not_reauthenticate() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.verified_person("Ada").await, app.verified_person("Eve").await);
    app.clock.advance(TimeDelta::minutes(11));
    app.client().post("/v1/auth/magic-links", json!({ "email": eve.email })).await.ok(202);
    let anothers = app.code_mailed_to(&eve.email);
    let (password, code) = (json!("not the password"), json!(anothers));
    let path = "/v1/auth/reauthenticate";

    app.client().post(path, json!({ "code": code })).await.refused(401, "unauthenticated");
    ada.client.post(path, json!({ "currentPassword": password })).await.refused(403, "wrong-password");
    ada.client.post(path, json!({ "code": code })).await.refused(422, "invalid-code");
    ada.client.post(path, json!({})).await.refused(422, "password-or-code");
    let both = json!({ "currentPassword": password, "code": code });
    ada.client.post(path, both).await.refused(422, "password-or-code");

    ada.client.get("/v1/auth/me/export").await.refused(401, "fresh-sign-in-needed");
}
