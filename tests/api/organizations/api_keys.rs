use chrono::TimeDelta;
use harness::{Person, TestApp};
use serde_json::{Value, json};

async fn create(ada: &Person<'_>, team: &str, body: Value) -> (String, String) {
    let made = ada.client.post(&format!("{team}/api-keys"), body).await.ok(201);
    (format!("{team}/api-keys/{}", made.text("/data/id")), made.text("/data/key").to_owned())
}

fn reader() -> Value {
    json!({ "name": "Reader", "scopes": ["organization:read", "members:read"] })
}

#[tokio::test]
async fn key_may_do_what_its_scopes_allow_in_its_own_organization() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (team, other) = (ada.create_organization("Engines").await, ada.create_organization("Other").await);
    let (path, key) = create(&ada, &team, reader()).await;
    assert!(key.starts_with("ak_"));
    for client in [app.client().token(&key), app.client().with("x-api-key", &key)] {
        client.get(&team).await.ok(200);
        client.get(&format!("{team}/members")).await.ok(200);
        client.get(&format!("{team}/audit-events")).await.refused(403, "scope-needed");
        client.patch(&team, json!({ "name": "Mine" })).await.refused(403, "scope-needed");
        let member = format!("{team}/members/{}", ada.id);
        client.patch(&member, json!({ "role": "member" })).await.refused(403, "scope-needed");
        client.get(&format!("{team}/api-keys")).await.refused(403, "scope-needed");
        client.delete(&team).await.refused(403, "scope-needed");
        client.get(&other).await.refused(404, "organization-not-found");
        client.get("/v1/organizations").await.refused(401, "unauthenticated");
        client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
    let shown = ada.client.get(&path).await.ok(200);
    assert!(shown.body["data"].get("key").is_none() && !shown.body.to_string().contains(&key[36..]));
    assert_eq!(shown.text("/data/lastUsedAt"), "2026-01-02T03:04:05Z");
    let both = app.client().token(&key).with("x-api-key", &key);
    both.get(&team).await.refused(401, "unauthenticated");
    let stored = "SELECT count(*) FROM api_keys WHERE octet_length(secret_hash) = 32";
    assert_eq!(app.database.value::<i64>(stored).await, 1);
}

#[tokio::test]
async fn rotated_key_has_two_secrets_during_the_overlap() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, first) = create(&ada, &team, reader()).await;
    let rotate = async |seconds: u32| {
        let body = json!({ "overlapSeconds": seconds });
        let answer = ada.client.post(&format!("{path}/rotate"), body).await.ok(201);
        answer.text("/data/key").to_owned()
    };
    let works = async |key: &str| app.client().token(key).get(&team).await.status == 200;

    let second = rotate(600).await;
    assert!(works(&first).await && works(&second).await);
    app.clock.advance(TimeDelta::seconds(600));
    assert!(!works(&first).await && works(&second).await);
    let third = rotate(0).await;
    assert!(!works(&first).await && !works(&second).await && works(&third).await);
    let too_long = json!({ "overlapSeconds": 604_801 });
    ada.client.post(&format!("{path}/rotate"), too_long).await.refused(422, "invalid-body");
}

#[tokio::test]
async fn key_ends_when_it_expires_is_revoked_or_loses_its_organization() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (team, doomed) = (ada.create_organization("Engines").await, ada.create_organization("Doomed").await);
    let soon =
        json!({ "name": "Soon", "scopes": ["organization:read"], "expiresAt": "2026-01-02T03:05:05Z" });
    let (expiring_path, expiring) = create(&ada, &team, soon).await;
    let (path, revoked) = create(&ada, &team, reader()).await;
    let (_, orphan) = create(&ada, &doomed, reader()).await;
    let client = |key: &str| app.client().token(key);
    client(&expiring).get(&team).await.ok(200);

    app.clock.advance(TimeDelta::minutes(1));
    client(&expiring).get(&team).await.refused(401, "unauthenticated");
    ada.client.post(&format!("{expiring_path}/rotate"), json!({})).await.refused(409, "api-key-expired");
    ada.client.with("if-match", "\"9\"").delete(&path).await.refused(412, "stale");
    ada.client.delete(&path).await.ok(204);
    client(&revoked).get(&team).await.refused(401, "unauthenticated");
    ada.client.get(&path).await.refused(404, "api-key-not-found");
    ada.client.delete(&path).await.refused(404, "api-key-not-found");
    ada.client.post(&format!("{path}/rotate"), json!({})).await.refused(404, "api-key-not-found");
    ada.client.delete(&doomed).await.ok(200);
    client(&orphan).get(&doomed).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn key_can_be_renamed_and_narrowed_at_once() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, key) = create(&ada, &team, reader()).await;
    let change = json!({ "name": "Narrow", "scopes": ["organization:read", "organization:read"] });
    let changed = ada.client.with("if-match", "\"1\"").patch(&path, change).await.ok(200);
    assert_eq!(changed.body["data"]["scopes"], json!(["organization:read"]));
    app.client().token(&key).get(&format!("{team}/members")).await.refused(403, "scope-needed");
    for (change, problem) in [
        (json!({ "scopes": [] }), "scopes-needed"),
        (json!({ "scopes": null }), "cannot-be-removed"),
        (json!({ "scopes": ["everything"] }), "invalid-body"),
        (json!({ "expiresAt": null }), "invalid-body"),
    ] {
        ada.client.patch(&path, change).await.refused(422, problem);
    }
}

#[tokio::test]
async fn key_lasts_a_year_by_default() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let made = async |expires_at: Option<Value>| {
        let mut body = reader();
        if let Some(at) = expires_at {
            body["expiresAt"] = at;
        }
        ada.client.post(&format!("{team}/api-keys"), body).await
    };
    assert_eq!(made(None).await.ok(201).text("/data/expiresAt"), "2027-01-02T03:04:05Z");
    assert!(made(Some(Value::Null)).await.ok(201).body["data"]["expiresAt"].is_null());
    made(Some(json!("2026-01-02T03:04:05Z"))).await.refused(422, "expiry-passed");
}

#[tokio::test]
async fn mistyped_key_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (_, key) = create(&ada, &team, reader()).await;
    let (_, other) = create(&ada, &team, reader()).await;
    let mixed = format!("{}{}", &key[..36], &other[36..]);
    for text in [&key[..key.len() - 1], &format!("{key}a"), &key.to_uppercase(), &mixed, "ak_", "ak_x_y"] {
        app.client().token(text).get(&team).await.refused(401, "unauthenticated");
        app.client().with("x-api-key", text).get(&team).await.refused(401, "unauthenticated");
    }
    app.client().with("x-api-key", &ada.access_token).get(&team).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn requests_of_a_key_are_limited_across_all_sources() {
    let app = TestApp::with(&[("RATE_LIMIT_MAX_REQUESTS", "10")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (_, key) = create(&ada, &team, reader()).await;
    for _ in 0..10 {
        app.client().token(&key).get(&team).await.ok(200);
    }
    app.client().token(&key).get(&team).await.refused(429, "too-many-requests");
    app.client().get("/v1/config").await.ok(200);
}

#[tokio::test]
async fn key_cannot_act_above_the_role_member() {
    let app = TestApp::new().await;
    let (ada, bob, eve) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "admin").await;
    ada.add(&team, &eve, "member").await;
    let powerful =
        json!({ "name": "Powerful", "scopes": ["members:write", "invitations:write", "members:read"] });
    let (_, key) = create(&ada, &team, powerful).await;
    let program = app.client().token(&key);
    let member = |id: &str| format!("{team}/members/{id}");
    for role in ["admin", "owner"] {
        let invitation = json!({ "email": "mallory@example.com", "role": role });
        program.post(&format!("{team}/invitations"), invitation).await.refused(403, "role-above-own");
    }
    program.patch(&member(&eve.id), json!({ "role": "admin" })).await.refused(403, "scope-needed");
    program.delete(&member(&bob.id)).await.refused(403, "role-above-own");
    program.delete(&member(&eve.id)).await.ok(204);
    let invitation = json!({ "email": "new@example.com", "role": "member" });
    program.post(&format!("{team}/invitations"), invitation).await.ok(201);
}

#[tokio::test]
async fn key_of_a_personal_organization_is_suspended_with_the_user() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let own = ada.client.get("/v1/organizations").await.ok(200);
    let own = format!("/v1/organizations/{}", own.text("/data/0/id"));
    let (_, key) = create(&ada, &own, reader()).await;
    app.client().token(&key).get(&own).await.ok(200);
    let user = format!("/v1/users/{}", ada.id);
    grace.client.post(&format!("{user}/suspend"), json!({ "reason": "abuse" })).await.ok(200);
    app.client().token(&key).get(&own).await.refused(401, "unauthenticated");
    grace.client.post_nothing(&format!("{user}/restore")).await.ok(200);
    app.client().token(&key).get(&own).await.ok(200);
}

#[tokio::test]
async fn unverified_user_cannot_create_keys_or_invite() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let own = ada.client.get("/v1/organizations").await.ok(200);
    let own = format!("/v1/organizations/{}", own.text("/data/0/id"));
    ada.client.post(&format!("{own}/api-keys"), reader()).await.refused(403, "address-not-proved");
    let team = ada.create_organization("Engines").await;
    app.database.execute("UPDATE users SET email_verified_at = NULL").await;
    let invitation = json!({ "email": "bob@example.com", "role": "member" });
    ada.client.post(&format!("{team}/invitations"), invitation).await.refused(403, "address-not-proved");
}
