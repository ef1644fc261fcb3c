//! `If-Match`: its form, lists, and every resource that has a version.

use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn if_match_accepts_only_a_star_or_strong_etags() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let patch = async |value: &str| {
        ada.client.with("if-match", value).patch("/v1/auth/me", json!({ "name": "A" })).await
    };
    patch("*").await.ok(200);
    patch("\"nonsense\"").await.refused(412, "stale");
    patch("W/\"2\"").await.refused(400, "malformed-if-match");
    patch("2").await.refused(400, "malformed-if-match");
    patch("\"1\", 2").await.refused(400, "malformed-if-match");
    patch("\"1\", *").await.refused(400, "malformed-if-match");
}

#[tokio::test]
async fn one_etag_of_an_if_match_list_must_match() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let first = ada.client.get("/v1/auth/me").await.header("etag").to_owned();
    let patch = async |value: &str| {
        ada.client.with("if-match", value).patch("/v1/auth/me", json!({ "name": "A" })).await
    };
    let second = patch(&format!("\"98\", {first}")).await.ok(200).header("etag").to_owned();
    patch(&format!("{first}, \"99\"")).await.refused(412, "stale");
    patch(&format!("W/{second}, \"99\"")).await.refused(412, "stale");
    let third = patch(&format!("{first},W/\"99\", ,{second}")).await.ok(200).header("etag").to_owned();
    let client = ada.client.with("if-match", &format!("{first}, {second}"));
    client.delete("/v1/auth/me").await.refused(412, "stale");
    let client = ada.client.with("if-match", &format!("{first}, {third}"));
    client.delete("/v1/auth/me").await.ok(204);
}

#[tokio::test]
async fn every_versioned_resource_accepts_an_if_match_list() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let root = app.administrator("Root").await;
    bob.verify_address().await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "member").await;
    let key = ada.create_key(&path, &["members:read"]).await;
    let invitation = ada.invite(&path, "cy@example.com", "member").await;
    let name = json!({ "name": "Other" });
    for (client, thing, change) in [
        (&ada.client, format!("{path}/members/{}", bob.id), Some(json!({ "role": "admin" }))),
        (&ada.client, format!("{path}/api-keys/{}", key.id), Some(name.clone())),
        (&ada.client, format!("{path}/invitations/{}", invitation.id), None),
        (&ada.client, path.clone(), Some(name.clone())),
        (&root.client, format!("/v1/users/{}", bob.id), Some(name.clone())),
    ] {
        let none = client.with("if-match", "\"98\", \"99\"");
        let one = async || {
            let seen = client.get(&thing).await.ok(200).header("etag").to_owned();
            client.with("if-match", &format!("\"98\", {seen}"))
        };
        if let Some(change) = change {
            none.patch(&thing, change.clone()).await.refused(412, "stale");
            one().await.patch(&thing, change).await.ok(200);
        }
        none.delete(&thing).await.refused(412, "stale");
        let deleted = one().await.delete(&thing).await;
        let restored = match deleted.status.as_u16() {
            // It can be restored, and has a version.
            200 => (&ada.client, thing, deleted.header("etag").to_owned()),
            204 if thing.starts_with("/v1/users/") => {
                let seen = root.client.get(&thing).await.ok(200).header("etag").to_owned();
                (&root.client, thing, seen)
            }
            204 => continue,
            _ => panic!("{deleted:?}"),
        };
        let (client, path, seen) = (restored.0, format!("{}/restore", restored.1), restored.2);
        client.with("if-match", "\"98\"").post_nothing(&path).await.refused(412, "stale");
        client.with("if-match", &format!("\"98\", {seen}")).post_nothing(&path).await.ok(200);
    }
}
