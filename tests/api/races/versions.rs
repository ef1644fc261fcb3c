use futures_util::future::join_all;
use harness::Client;
use serde_json::{Value, json};

use super::{CONCURRENT, assert_one_succeeded, concurrent_app};

/// Sends 16 changes of one version at once. Checks that one succeeds and that the others are refused as stale.
async fn assert_one_change_succeeds(client: &Client<'_>, path: &str, body: impl Fn(usize) -> Value) {
    for _ in 0..3 {
        let seen = client.get(path).await.ok(200);
        let client = client.with("if-match", seen.header("etag"));

        let answers = join_all((0..CONCURRENT).map(|n| client.patch(path, body(n)))).await;

        let winner = &answers[assert_one_succeeded(&answers, 200, (412, "stale"))];
        let now = client.get(path).await.ok(200);
        assert_ne!(now.header("etag"), seen.header("etag"), "{path}");
        assert_eq!((now.header("etag"), &now.body), (winner.header("etag"), &winner.body), "{path}");
    }
}

#[tokio::test]
async fn one_of_sixteen_concurrent_changes_of_any_resource_succeeds() {
    let app = concurrent_app().await;
    let (ada, bob, root) =
        (app.person("Ada").await, app.person("Bob").await, app.administrator("Root").await);
    bob.verify_address().await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "member").await;
    let key = ada.create_key(&path, &["members:read"]).await;
    let name = |n| json!({ "name": format!("Name {n}") });
    let role = |n| json!({ "role": (["member", "admin"][n % 2]) });

    assert_one_change_succeeds(&ada.client, &path, name).await;
    assert_one_change_succeeds(&ada.client, &format!("{path}/members/{}", bob.id), role).await;
    assert_one_change_succeeds(&ada.client, &format!("{path}/api-keys/{}", key.id), name).await;
    assert_one_change_succeeds(&ada.client, "/v1/auth/me", name).await;
    assert_one_change_succeeds(&root.client, &format!("/v1/users/{}", bob.id), name).await;
    let promoted = |n| json!({ "systemAdministrator": n % 2 == 0 });
    assert_one_change_succeeds(&root.client, &format!("/v1/users/{}", bob.id), promoted).await;
}

#[tokio::test]
async fn one_of_sixteen_concurrent_deletions_of_any_resource_succeeds() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    bob.verify_address().await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "member").await;
    let key = ada.create_key(&path, &["members:read"]).await;
    let invitation = ada.invite(&path, "cy@example.com", "member").await;
    for (thing, won, lost) in [
        (format!("{path}/members/{}", bob.id), 204, (404, "member-not-found")),
        (format!("{path}/api-keys/{}", key.id), 204, (404, "api-key-not-found")),
        (format!("{path}/invitations/{}", invitation.id), 204, (412, "stale")),
        (path, 200, (404, "organization-not-found")),
    ] {
        let seen = ada.client.get(&thing).await.ok(200);
        let client = ada.client.with("if-match", seen.header("etag"));
        let answers = join_all((0..CONCURRENT).map(|_| client.delete(&thing))).await;
        assert_one_succeeded(&answers, won, lost);
    }
}
