//! An organization that requires a second factor of its members.

use chrono::TimeDelta;
use harness::{Person, TestApp};
use serde_json::{Value, json};
use shared::domain::clock::Clock;

const MEMBER: &str = "secondFactorRequiredFrom";

/// Creates an owner with a second factor, an organization, and a member without one.
async fn create(app: &TestApp) -> (Person<'_>, String, Person<'_>) {
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    ada.add_authenticator().await;
    (ada, team, bob)
}

/// Returns the change that requires a second factor `seconds` from now.
fn required_in(app: &TestApp, seconds: i64) -> Value {
    json!({ MEMBER: app.clock.now() + TimeDelta::seconds(seconds) })
}

#[tokio::test]
async fn members_without_second_factor_are_refused_when_the_time_has_come() {
    let app = TestApp::new().await;
    let (ada, team, bob) = create(&app).await;
    let other = bob.create_organization("Other").await;
    let key = ada.create_key(&team, &["organization:read"]).await;
    let changed = ada.client.patch(&team, required_in(&app, 60)).await.ok(200);
    assert!(changed.body["data"][MEMBER].is_string(), "{changed:?}");

    app.clock.advance(TimeDelta::seconds(59));
    bob.client.get(&team).await.ok(200);
    app.clock.advance(TimeDelta::seconds(1));

    bob.client.get(&team).await.refused(403, "second-factor-needed");
    bob.client.delete(&format!("{team}/members/{}", bob.id)).await.refused(403, "second-factor-needed");
    bob.client.get(&other).await.ok(200);
    ada.client.get(&team).await.ok(200);
    app.client().with("x-api-key", &key.secret).get(&team).await.ok(200);
    let denied =
        "SELECT count(*) FROM audit_events WHERE action = 'access.denied' AND organization_id IS NOT NULL";
    assert_eq!(app.database.value::<i64>(denied).await, 2);

    // The session that confirms an app has shown both.
    let factor = bob.add_authenticator().await;
    bob.client.get(&team).await.ok(200);
    let again = bob.sign_in_with(&factor.app).await;
    again.client.get(&team).await.ok(200);
    again.client.delete("/v1/auth/totp").await.ok(204);
    for session in [&bob, &again] {
        session.client.get(&team).await.refused(403, "second-factor-needed");
    }

    ada.client.patch(&team, json!({ MEMBER: null })).await.ok(200);
    bob.client.get(&team).await.ok(200);
}

#[tokio::test]
async fn owner_who_has_none_cannot_require_a_second_factor() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let team = ada.create_organization("Engines").await;
    ada.client.patch(&team, required_in(&app, 0)).await.refused(403, "second-factor-needed");
    let shown = ada.client.get(&team).await.ok(200);
    assert!(shown.body["data"][MEMBER].is_null(), "{shown:?}");
    ada.client.patch(&team, json!({ MEMBER: null })).await.ok(200);
}

#[tokio::test]
async fn only_owners_with_a_recent_sign_in_change_the_requirement() {
    let app = TestApp::new().await;
    let (ada, team, bob) = create(&app).await;
    ada.client.patch(&format!("{team}/members/{}", bob.id), json!({ "role": "admin" })).await.ok(200);
    bob.add_authenticator().await;
    let key = ada.create_key(&team, &["organization:write"]).await;
    let by_key = app.client().with("x-api-key", &key.secret);
    for change in [required_in(&app, 0), json!({ MEMBER: null })] {
        bob.client.patch(&team, change.clone()).await.refused(403, "role-needed");
        by_key.patch(&team, change).await.refused(403, "role-needed");
    }
    // The rest of the profile is theirs to change.
    bob.client.patch(&team, json!({ "name": "Machines" })).await.ok(200);
    app.clock.advance(TimeDelta::minutes(11));
    ada.client.patch(&team, required_in(&app, 0)).await.refused(401, "fresh-sign-in-needed");
    ada.client.patch(&team, json!({ MEMBER: "tomorrow" })).await.refused(422, "invalid-body");
}

#[tokio::test]
async fn admins_see_who_has_no_second_factor_and_others_do_not() {
    let app = TestApp::new().await;
    let (ada, team, bob) = create(&app).await;
    let members = format!("{team}/members");
    let ids = |answer: &harness::Answer| -> Vec<String> {
        let rows = answer.body["data"].as_array().expect("members").iter();
        rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    };
    let without = ada.client.get(&format!("{members}?secondFactor=false")).await.ok(200);
    assert_eq!(ids(&without), std::slice::from_ref(&bob.id));
    let with = ada.client.get(&format!("{members}?secondFactor=true")).await.ok(200);
    assert_eq!(ids(&with), std::slice::from_ref(&ada.id));
    let shown = ada.client.get(&format!("{members}/{}", bob.id)).await.ok(200);
    assert_eq!(shown.body["data"]["secondFactor"], false);

    bob.client.get(&format!("{members}?secondFactor=false")).await.refused(403, "role-needed");
    let shown = bob.client.get(&format!("{members}/{}", ada.id)).await.ok(200);
    assert!(shown.body["data"]["secondFactor"].is_null(), "{shown:?}");
    let key = ada.create_key(&team, &["members:read"]).await;
    let by_key = app.client().with("x-api-key", &key.secret);
    by_key.get(&format!("{members}?secondFactor=false")).await.refused(403, "role-needed");
    assert!(by_key.get(&members).await.ok(200).body["data"][0]["secondFactor"].is_null());
}

#[tokio::test]
async fn deleted_organization_is_restored_only_with_the_second_factor_that_it_requires() {
    let app = TestApp::new().await;
    let (ada, team, _) = create(&app).await;
    ada.client.patch(&team, required_in(&app, 0)).await.ok(200);
    ada.client.delete(&team).await.ok(200);
    ada.client.delete("/v1/auth/totp").await.ok(204);
    ada.client.post_nothing(&format!("{team}/restore")).await.refused(403, "second-factor-needed");
    ada.add_authenticator().await;
    ada.client.post_nothing(&format!("{team}/restore")).await.ok(200);
}
