use chrono::TimeDelta;
use harness::{Client, TestApp};
use serde_json::json;

/// The time in which a deleted organization can be restored.
const PERIOD: TimeDelta = TimeDelta::days(30);

fn count(page: &harness::Answer) -> Option<usize> {
    page.body["data"].as_array().map(Vec::len)
}

#[tokio::test]
async fn restored_organization_is_as_before_the_deletion() {
    let app = TestApp::new().await;
    let (ada, bob, eve) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let key = ada.create_key(&team, &["organization:read"]).await;
    let program = app.client().token(&key.secret);
    let invitation = ada.invite(&team, &eve.email, "admin").await;
    ada.client.delete(&team).await.ok(200);
    for (client, path) in [
        (&ada.client, team.clone()),
        (&bob.client, format!("{team}/members")),
        (&ada.client, format!("{team}/audit-events")),
    ] {
        client.get(&path).await.refused(404, "organization-not-found");
    }
    ada.client.delete(&team).await.refused(404, "organization-not-found");
    program.get(&team).await.refused(401, "unauthenticated");
    eve.accept(&invitation.token).await.refused(422, "invalid-token");

    let restored = ada.client.post_nothing(&format!("{team}/restore")).await.ok(200);

    assert_eq!((restored.text("/data/name"), restored.header("etag")), ("Engines", "\"3\""));
    assert!(
        restored.body["data"]["deletedAt"].is_null() && restored.body["data"]["restorableUntil"].is_null()
    );
    program.get(&team).await.ok(200);
    eve.accept(&invitation.token).await.ok(200);
    assert_eq!(count(&bob.client.get(&format!("{team}/members")).await.ok(200)), Some(3));
    let log = ada.client.get(&format!("{team}/audit-events?action=organization.restored")).await.ok(200);
    let id = team.rsplit('/').next().expect("an id");
    assert_eq!((log.text("/data/0/actorId"), log.text("/data/0/targetId")), (&*ada.id, id));
}

#[tokio::test]
async fn deleted_organization_is_listed_for_its_owners_only() {
    let app = TestApp::new().await;
    let (ada, bob, eve) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "owner").await;
    ada.add(&team, &eve, "admin").await;
    ada.create_organization("Alive").await;
    ada.client.delete(&team).await.ok(200);
    for (client, deleted, active) in [(&ada.client, 1, 2), (&bob.client, 1, 1), (&eve.client, 0, 1)] {
        for query in ["status=deleted", "status=deleted&sort=createdAt"] {
            let page = client.get(&format!("/v1/organizations?{query}")).await.ok(200);
            assert_eq!(count(&page), Some(deleted), "{page:?}");
        }
        for query in ["", "?status=active"] {
            let page = client.get(&format!("/v1/organizations{query}")).await.ok(200);
            assert_eq!(count(&page), Some(active), "{page:?}");
        }
    }
    let page = ada.client.get("/v1/organizations?status=deleted").await.ok(200);
    assert_eq!((page.text("/data/0/name"), page.text("/data/0/deletedAt")), ("Engines", harness::START));
    assert_eq!(page.text("/data/0/restorableUntil"), "2026-02-01T03:04:05Z");
    for query in ["status=purged", "status=", "state=deleted"] {
        let refused = ada.client.get(&format!("/v1/organizations?{query}")).await;
        refused.refused(422, "invalid-query");
    }
}

#[tokio::test]
async fn deleted_organization_can_be_restored_for_exactly_30_days() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (early, late) = (ada.create_organization("Early").await, ada.create_organization("Late").await);
    for team in [&early, &late] {
        ada.client.delete(team).await.ok(200);
    }
    app.clock.advance(PERIOD - TimeDelta::seconds(1));
    let ada = ada.sign_in_again().await;
    assert_eq!(count(&ada.client.get("/v1/organizations?status=deleted").await.ok(200)), Some(2));
    ada.client.post_nothing(&format!("{early}/restore")).await.ok(200);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(count(&ada.client.get("/v1/organizations?status=deleted").await.ok(200)), Some(0));
    let refused = ada.client.post_nothing(&format!("{late}/restore")).await;
    refused.refused(404, "organization-not-found");
    ada.client.get(&early).await.ok(200);
}

#[tokio::test]
async fn only_an_owner_with_a_session_restores() {
    let app = TestApp::new().await;
    let (ada, bob, eve, zoe) = (
        app.person("Ada").await,
        app.verified_person("Bob").await,
        app.verified_person("Eve").await,
        app.person("Zoe").await,
    );
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "owner").await;
    ada.add(&team, &eve, "admin").await;
    let key = ada.create_key(&team, &["organization:write"]).await;
    let restore = format!("{team}/restore");
    let call = async |client: &Client<'_>| client.post_nothing(&restore).await;
    call(&ada.client).await.refused(409, "organization-not-deleted");
    ada.client.delete(&team).await.ok(200);

    call(&eve.client).await.refused(403, "role-needed");
    call(&zoe.client).await.refused(404, "organization-not-found");
    call(&app.client().with("x-api-key", &key.secret)).await.refused(401, "unauthenticated");
    call(&app.client()).await.refused(401, "unauthenticated");
    let grace = app.administrator("Grace").await;
    call(&grace.client).await.refused(404, "organization-not-found");
    grace.client.post(&format!("/v1/users/{}/suspend", bob.id), json!({ "reason": "x" })).await.ok(200);
    call(&bob.client).await.refused(401, "unauthenticated");

    call(&ada.client).await.ok(200);
    call(&ada.client).await.refused(409, "organization-not-deleted");
    let log = ada.client.get(&format!("{team}/audit-events?action=access.denied")).await.ok(200);
    assert_eq!((log.text("/data/0/actorId"), count(&log)), (&*eve.id, Some(1)));
}

#[tokio::test]
async fn owners_are_mailed_that_their_organization_was_deleted_and_can_be_restored() {
    let app = TestApp::new().await;
    let (ada, bob, eve) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "owner").await;
    ada.add(&team, &eve, "admin").await;
    let before = app.mails().len();
    ada.client.delete(&team).await.ok(200);

    let mails = app.mails().split_off(before);
    let mut to: Vec<_> = mails.iter().map(|mail| mail.to.as_ref()).collect();
    to.sort_unstable();
    assert_eq!(to, [&*ada.email, &*bob.email]);
    for mail in &mails {
        assert!(mail.text.contains("1 February 2026, 03:04 (UTC)"), "{}", mail.text);
        assert!(mail.text.contains("each of its other owners can restore it"), "{}", mail.text);
        let id = team.rsplit('/').next().expect("an id");
        assert!(mail.text.contains(id) && !mail.text.contains("Engines"), "{}", mail.text);
    }
}

#[tokio::test]
async fn deleting_again_and_again_does_not_flood_the_owners() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let before = app.mails().len();
    for _ in 0..8 {
        ada.client.delete(&team).await.ok(200);
        ada.client.post_nothing(&format!("{team}/restore")).await.ok(200);
    }
    assert_eq!(app.mails().len() - before, 5);
    let bob = app.person("Bob").await;
    let team = bob.create_organization("Bob's").await;
    app.database.execute("UPDATE users SET email_verified_at = NULL WHERE name = 'Bob'").await;
    let before = app.mails().len();
    bob.client.delete(&team).await.ok(200);
    assert_eq!(app.mails().len(), before, "an address that was never verified gets no notice");
}

#[tokio::test]
async fn slug_of_a_deleted_organization_is_taken_and_the_refusal_says_until_when() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.person("Bob").await);
    let new = json!({ "name": "Engines", "slug": "engines" });
    let made = ada.client.post("/v1/organizations", new.clone()).await.ok(201);
    ada.client.delete(&format!("/v1/organizations/{}", made.id())).await.ok(200);
    let other = bob.create_organization("Other").await;
    for refused in [
        bob.client.post("/v1/organizations", new).await,
        bob.client.patch(&other, json!({ "slug": "engines" })).await,
    ] {
        assert!(refused.text("/detail").contains("30 days after the deletion"), "{refused:?}");
        refused.refused(409, "slug-taken");
    }
}
