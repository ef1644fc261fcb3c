mod api_keys;
mod audit_events;
mod invitations;
mod lifecycle;
mod members;
mod restore;
mod second_factor;

use futures_util::future::join_all;
use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn owner_creates_changes_and_deletes_an_organization() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
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

    let deleted = ada.client.with("if-match", "\"2\"").delete(&path).await.ok(200);
    assert_eq!((deleted.text("/data/name"), deleted.header("etag")), ("Engines", "\"3\""));
    assert_eq!(deleted.text("/data/restorableUntil"), "2026-02-01T03:04:05Z");
    ada.client.get(&path).await.refused(404, "organization-not-found");
    let again = json!({ "name": "Engines", "slug": "engines" });
    ada.client.post("/v1/organizations", again).await.refused(409, "slug-taken");
}

#[tokio::test]
async fn slug_is_unique_and_generated_if_missing() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
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
async fn creating_an_organization_needs_a_verified_address() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let new = json!({ "name": "Engines" });
    ada.client.post("/v1/organizations", new.clone()).await.refused(403, "address-not-proved");
    ada.verify_address().await;
    ada.client.post("/v1/organizations", new).await.ok(201);
}

#[tokio::test]
async fn sixteen_concurrent_requests_do_not_pass_the_limit_of_owned_organizations() {
    let app = TestApp::with(&[("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")]).await;
    let ada = app.verified_person("Ada").await;
    for _ in 0..17 {
        ada.create_organization("Engines").await;
    }
    // A deleted organization counts, or else one user could use up any number of slugs.
    let deleted = ada.create_organization("Gone").await;
    ada.client.delete(&deleted).await.ok(200);

    let new = || ada.client.post("/v1/organizations", json!({ "name": "Engines" }));
    let answers = join_all((0..16).map(|_| new())).await;

    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 2);
    for answer in refused {
        answer.refused(409, "too-many-organizations");
    }
}

#[tokio::test]
async fn reserved_slugs_are_refused_when_created_and_when_changed() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let path = ada.create_organization("Engines").await;
    for slug in ["admin", "api", "www"] {
        let new = json!({ "name": "A", "slug": slug });
        ada.client.post("/v1/organizations", new).await.refused(422, "invalid-body");
        ada.client.patch(&path, json!({ "slug": slug })).await.refused(422, "invalid-body");
    }
}
