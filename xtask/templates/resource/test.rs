use harness::{Person, TestApp, all_rows};
use serde_json::{Value, json};

/// Creates %a words% in the organization at the path `team`. Returns its path.
async fn create(person: &Person<'_>, team: &str, name: &str) -> String {
    let %snakes% = format!("{team}/%kebabs%");
    let created = person.client.post(&%snakes%, json!({ "name": name })).await.ok(201);
    format!("{%snakes%}/{}", created.id())
}

fn names(page: &Value) -> Vec<&str> {
    let rows = page["data"].as_array().expect("a list").iter();
    rows.map(|row| row["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn another_organizations_%snakes%_do_not_exist() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (team, other) = (ada.create_organization("Engines").await, bob.create_organization("Other").await);
    let hidden = create(&ada, &team, "Hidden").await;

    bob.client.get(&format!("{team}/%kebabs%")).await.refused(404, "organization-not-found");
    bob.client.post(&format!("{team}/%kebabs%"), json!({ "name": "Mine" })).await.refused(404, "organization-not-found");
    let here = hidden.replacen(&team, &other, 1);
    bob.client.get(&here).await.refused(404, "%kebab%-not-found");
    bob.client.patch(&here, json!({ "name": "Mine" })).await.refused(404, "%kebab%-not-found");
    bob.client.delete(&here).await.refused(404, "%kebab%-not-found");

    let listed = bob.client.get(&format!("{other}/%kebabs%")).await.ok(200);
    assert!(names(&listed.body).is_empty());
    assert_eq!(ada.client.get(&hidden).await.ok(200).text("/data/name"), "Hidden");
}

#[tokio::test]
async fn a_plain_member_reads_%snakes%_and_changes_none() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.person("Ada").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &eve, "member").await;
    let path = create(&ada, &team, "First").await;

    eve.client.post(&format!("{team}/%kebabs%"), json!({ "name": "Mine" })).await.refused(403, "role-needed");
    eve.client.patch(&path, json!({ "name": "Mine" })).await.refused(403, "role-needed");
    eve.client.delete(&path).await.refused(403, "role-needed");

    eve.client.get(&path).await.ok(200);
    eve.client.get(&format!("{team}/%kebabs%")).await.ok(200);
}

#[tokio::test]
async fn an_api_key_needs_the_scope_of_%snakes%() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, "First").await;
    let client = async |scope: &str| app.client().token(&ada.create_key(&team, &[scope]).await.secret);
    let (stranger, reader, writer) =
        (client("members:read").await, client("%kebabs%:read").await, client("%kebabs%:write").await);

    stranger.get(&path).await.refused(403, "scope-needed");
    reader.delete(&path).await.refused(403, "scope-needed");
    writer.get(&path).await.refused(403, "scope-needed");

    reader.get(&path).await.ok(200);
    let created = writer.post(&format!("{team}/%kebabs%"), json!({ "name": "Second" })).await.ok(201);
    assert!(created.body["data"]["createdBy"].is_null(), "{created:?}");
}

#[tokio::test]
async fn a_stale_version_of_%snakes%_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, "First").await;
    let first = ada.client.with("if-match", "\"1\"");
    let changed = first.patch(&path, json!({ "name": "Second" })).await.ok(200);
    assert_eq!(changed.header("etag"), "\"2\"");

    first.patch(&path, json!({ "name": "Lost" })).await.refused(412, "stale");
    first.delete(&path).await.refused(412, "stale");

    assert_eq!(ada.client.get(&path).await.ok(200).text("/data/name"), "Second");
    ada.client.with("if-match", "\"2\"").delete(&path).await.ok(204);
    ada.client.get(&path).await.refused(404, "%kebab%-not-found");
}

#[tokio::test]
async fn a_create_of_%snakes%_that_is_sent_twice_makes_one() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/%kebabs%", ada.create_organization("Engines").await);
    let once = ada.client.with("idempotency-key", "monday");
    let first = once.post(&path, json!({ "name": "First" })).await.ok(201);
    let second = once.post(&path, json!({ "name": "First" })).await.ok(201);
    assert_eq!((second.id(), second.header("idempotency-replayed")), (first.id(), "true"));
    once.post(&path, json!({ "name": "Other" })).await.refused(422, "idempotency-key-reused");
    assert_eq!(names(&ada.client.get(&path).await.ok(200).body), ["First"]);
}

#[tokio::test]
async fn a_bad_name_of_%snakes%_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, "First").await;
    for name in [json!(""), json!("x".repeat(101)), json!(1), Value::Null] {
        ada.client.post(&format!("{team}/%kebabs%"), json!({ "name": name })).await.refused(422, "invalid-body");
    }
    ada.client.patch(&path, json!({ "name": null })).await.refused(422, "cannot-be-removed");
    ada.client.patch(&path, json!({ "createdBy": null })).await.refused(422, "invalid-body");
}

#[tokio::test]
async fn a_list_of_%snakes%_comes_in_pages() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    for name in ["First", "Second", "Third"] {
        create(&ada, &team, name).await;
    }
    let path = format!("{team}/%kebabs%?limit=2");
    let page = ada.client.get(&path).await.ok(200);
    assert_eq!(names(&page.body), ["Third", "Second"]);
    let next = format!("{path}&cursor={}", page.text("/meta/nextCursor"));
    let page = ada.client.get(&next).await.ok(200);
    assert_eq!(names(&page.body), ["First"]);
    assert!(page.body["meta"]["nextCursor"].is_null());
}

#[tokio::test]
async fn a_change_of_%snakes%_is_in_the_audit_log() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, "First").await;
    ada.client.patch(&path, json!({ "name": "Second" })).await.ok(200);
    ada.client.delete(&path).await.ok(204);
    let id = path.rsplit('/').next().expect("an id");
    for action in ["%snake%.created", "%snake%.updated", "%snake%.deleted"] {
        let log = ada.client.get(&format!("{team}/audit-events?action={action}")).await.ok(200);
        assert_eq!((log.text("/data/0/targetId"), log.text("/data/0/actorId")), (id, &*ada.id), "{action}");
    }
}

#[tokio::test]
async fn a_user_is_erased_from_%snakes%() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.person("Bob").await);
    let grace = app.administrator("Grace").await;
    let team = bob.create_organization("Engines").await;
    bob.add(&team, &ada, "admin").await;
    let personal = ada.client.get("/v1/organizations").await.ok(200);
    let personal = personal.body["data"].as_array().expect("a list").iter().find(|row| row["personal"] == true);
    let personal = format!("/v1/organizations/{}", personal.expect("her own")["id"].as_str().expect("an id"));
    let shared = create(&ada, &team, "Shared text").await;
    create(&ada, &personal, "Personal text").await;
    let export = ada.client.get("/v1/auth/me/export").await.ok(200).body.to_string();
    assert!(export.contains("Shared text") && export.contains("Personal text"), "{export}");

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    assert!(!all_rows(&app).await.contains("Personal text"));
    let kept = bob.client.get(&shared).await.ok(200);
    assert_eq!(kept.text("/data/name"), "Shared text");
    assert!(kept.body["data"]["createdBy"].is_null(), "{kept:?}");
}
