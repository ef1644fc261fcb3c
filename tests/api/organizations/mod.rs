mod api_keys;
mod invitations;

use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn owner_creates_changes_and_deletes_an_organization() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let new = json!({ "name": "Analytical Engines", "slug": "engines", "billingEmail": "bills@example.com" });
    let made = ada.client.post("/v1/organizations", new).await.ok(201);
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!((made.text("/data/slug"), made.text("/data/plan")), ("engines", "free"));
    let path = format!("/v1/organizations/{}", made.text("/data/id"));

    let change = json!({ "name": "Engines", "billingEmail": null, "logo": "https://example.com/e.png" });
    let changed = ada.client.with("if-match", "\"1\"").patch(&path, change).await.ok(200);
    assert_eq!((changed.text("/data/name"), changed.header("etag")), ("Engines", "\"2\""));
    assert!(changed.body["data"]["billingEmail"].is_null());
    let stale = ada.client.with("if-match", "\"1\"");
    stale.patch(&path, json!({ "name": "Lost" })).await.refused(412, "stale");
    stale.delete(&path).await.refused(412, "stale");
    ada.client.patch(&path, json!({ "name": null })).await.refused(422, "cannot-be-removed");
    ada.client.patch(&path, json!({ "plan": "enterprise" })).await.refused(422, "invalid-body");

    ada.client.delete(&path).await.ok(204);
    ada.client.get(&path).await.refused(404, "organization-not-found");
    let again = json!({ "name": "Engines", "slug": "engines" });
    ada.client.post("/v1/organizations", again).await.refused(409, "slug-taken");
}

#[tokio::test]
async fn slug_is_unique_and_generated_if_missing() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    ada.client.post("/v1/organizations", json!({ "name": "A", "slug": "same" })).await.ok(201);
    bob.client
        .post("/v1/organizations", json!({ "name": "B", "slug": "same" }))
        .await
        .refused(409, "slug-taken");
    for slug in ["", "-a", "a-", "A", "a_b", "ä", &"a".repeat(64)] {
        let new = json!({ "name": "C", "slug": slug });
        bob.client.post("/v1/organizations", new).await.refused(422, "invalid-body");
    }
    let made_up = bob.client.post("/v1/organizations", json!({ "name": "D" })).await.ok(201);
    assert_eq!(made_up.text("/data/slug").len(), 16);
    let path = format!("/v1/organizations/{}", made_up.text("/data/id"));
    bob.client.patch(&path, json!({ "slug": "same" })).await.refused(409, "slug-taken");
}

#[tokio::test]
async fn personal_organization_cannot_be_deleted_or_shared() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let mine = ada.client.get("/v1/organizations").await.ok(200);
    assert_eq!(mine.body["data"][0]["personal"], true);
    let path = format!("/v1/organizations/{}", mine.text("/data/0/id"));
    ada.client.delete(&path).await.refused(409, "personal-organization");
    let invitation = json!({ "email": "bob@example.com", "role": "member" });
    let refused = ada.client.post(&format!("{path}/invitations"), invitation).await;
    refused.refused(409, "personal-organization");
}

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

#[tokio::test]
async fn the_last_owner_can_neither_leave_nor_be_demoted_nor_vanish() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "admin").await;
    let me = format!("{team}/members/{}", ada.id);
    ada.client.patch(&me, json!({ "role": "admin" })).await.refused(409, "last-owner");
    ada.client.delete(&me).await.refused(409, "last-owner");
    ada.client.delete("/v1/auth/me").await.refused(409, "last-owner");
    let grace = app.administrator("Grace").await;
    for (path, delete) in
        [(format!("/v1/users/{}", ada.id), true), (format!("/v1/users/{}/erase", ada.id), false)]
    {
        let answer =
            if delete { grace.client.delete(&path).await } else { grace.client.post_nothing(&path).await };
        answer.refused(409, "last-owner");
    }

    let promoted = format!("{team}/members/{}", bob.id);
    ada.client.patch(&promoted, json!({ "role": "owner" })).await.ok(200);
    ada.client.delete(&me).await.ok(204);
    bob.client.delete(&promoted).await.refused(409, "last-owner");
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

#[tokio::test]
async fn audit_log_is_filtered_by_actor_action_and_time() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "admin").await;
    app.clock.advance(chrono::TimeDelta::minutes(5));
    bob.client.patch(&team, json!({ "name": "Ours" })).await.ok(200);
    let found = async |query: &str| {
        let log = ada.client.get(&format!("{team}/audit-events?sort=createdAt&{query}")).await.ok(200);
        let events = log.body["data"].as_array().expect("a list").clone();
        events.iter().map(|event| event["action"].as_str().expect("an action").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        found("").await,
        ["organization.created", "invitation.created", "invitation.accepted", "organization.updated"]
    );
    assert_eq!(found(&format!("actorId={}", bob.id)).await, ["invitation.accepted", "organization.updated"]);
    assert_eq!(found("action=invitation.created").await, ["invitation.created"]);
    assert_eq!(found("since=2026-01-02T03:09:05Z").await, ["organization.updated"]);
    assert_eq!(found("until=2026-01-02T03:09:05Z").await.len(), 3);
    for query in ["actorId=x", "since=yesterday", "organizationId=1", "outcome=denied"] {
        ada.client.get(&format!("{team}/audit-events?{query}")).await.refused(422, "invalid-query");
    }
}
