use harness::{Person, TestApp};
use serde_json::json;

#[tokio::test]
async fn roles_limit_members_and_a_demotion_takes_effect_at_once() {
    let app = TestApp::new().await;
    let (ada, bob, eve) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "admin").await;
    ada.add(&team, &eve, "member").await;
    let member = |id: &str| format!("{team}/members/{id}");
    let role = |role: &str| json!({ "role": role });

    eve.client.get(&format!("{team}/members")).await.ok(200);
    eve.client.patch(&team, json!({ "name": "Mine" })).await.refused(403, "role-needed");
    eve.client.get(&format!("{team}/audit-events")).await.refused(403, "role-needed");
    eve.client.delete(&member(&bob.id)).await.refused(403, "role-above-own");
    bob.client.patch(&team, json!({ "name": "Ours" })).await.ok(200);
    bob.client.patch(&member(&eve.id), role("owner")).await.refused(403, "role-above-own");
    bob.client.patch(&member(&bob.id), role("owner")).await.refused(403, "role-above-own");
    bob.client.patch(&member(&ada.id), role("member")).await.refused(403, "role-above-own");
    bob.client.delete(&member(&ada.id)).await.refused(403, "role-above-own");
    bob.client.delete(&team).await.refused(403, "role-needed");
    let invitation = json!({ "email": "x@example.com", "role": "owner" });
    bob.client.post(&format!("{team}/invitations"), invitation).await.refused(403, "role-above-own");

    ada.client.patch(&member(&bob.id), role("member")).await.ok(200);
    bob.client.patch(&team, json!({ "name": "Lost" })).await.refused(403, "role-needed");
    ada.client.delete(&member(&bob.id)).await.ok(204);
    bob.client.get(&team).await.refused(404, "organization-not-found");
    ada.client.get(&member(&bob.id)).await.refused(404, "member-not-found");
}

/// An organization that Ada owns, with Bob as its admin. Returns both and the path of the organization.
async fn owner_and_admin(app: &TestApp) -> (Person<'_>, Person<'_>, String) {
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "admin").await;
    (ada, bob, team)
}

#[tokio::test]
async fn last_owner_cannot_leave() {
    let app = TestApp::new().await;
    let (ada, bob, team) = owner_and_admin(&app).await;
    let me = format!("{team}/members/{}", ada.id);
    ada.client.delete(&me).await.refused(409, "last-owner");

    let promoted = format!("{team}/members/{}", bob.id);
    ada.client.patch(&promoted, json!({ "role": "owner" })).await.ok(200);
    ada.client.delete(&me).await.ok(204);
    bob.client.delete(&promoted).await.refused(409, "last-owner");
}

#[tokio::test]
async fn last_owner_cannot_be_demoted_deleted_or_erased() {
    let app = TestApp::new().await;
    let (ada, _, team) = owner_and_admin(&app).await;
    let me = format!("{team}/members/{}", ada.id);
    ada.client.patch(&me, json!({ "role": "admin" })).await.refused(409, "last-owner");
    ada.client.delete("/v1/auth/me").await.refused(409, "last-owner");
    let grace = app.administrator("Grace").await;
    let user = format!("/v1/users/{}", ada.id);
    grace.client.delete(&user).await.refused(409, "last-owner");
    grace.client.post_nothing(&format!("{user}/erase")).await.refused(409, "last-owner");
}

#[tokio::test]
async fn organization_without_other_members_is_deleted_with_its_owner() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.create_organization("Alone").await;
    ada.client.delete("/v1/auth/me").await.ok(204);
    let living = "SELECT count(*) FROM organizations WHERE deleted_at IS NULL";
    assert_eq!(app.database.value::<i64>(living).await, 0);
}
