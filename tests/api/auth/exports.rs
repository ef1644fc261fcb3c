use std::time::Duration;

use chrono::TimeDelta;
use harness::{CANARIES, TestApp, create_canaries, service};
use serde_json::Value;
use shared::{
    accounts::export_file,
    aws::{client, s3::Bucket},
    domain::{clock::Clock, ids::UserId},
    store::users,
};
use tokio::time::{sleep, timeout};

fn bucket() -> Bucket {
    Bucket::new(&service("ARTIFACT_BUCKET"), "")
}

/// Returns the key in a link to the bucket.
fn key(url: &str) -> &str {
    let (_, rest) = url.split_once("/exports/").expect("an export");
    &url[url.len() - rest.len() - "exports/".len()..url.find('?').expect("a signature")]
}

async fn read(url: &str) -> Value {
    let stored = bucket().get(key(url)).await.expect("S3").expect("the file");
    serde_json::from_slice(&stored).expect("JSON")
}

#[tokio::test]
async fn an_export_needs_a_recent_sign_in_and_storage() {
    let app = TestApp::new().await;
    app.client().post_nothing("/v1/auth/me/exports").await.refused(401, "unauthenticated");
    let ada = app.person("Ada").await;
    let without = app.second_instance_with(&[("ARTIFACT_BUCKET", "arches-there-is-no-such-bucket")]);
    let client = without.client().token(&ada.access_token);
    client.post_nothing("/v1/auth/me/exports").await.refused(503, "unavailable");
    app.clock.advance(TimeDelta::minutes(11));
    ada.client.post_nothing("/v1/auth/me/exports").await.refused(401, "fresh-sign-in-needed");
}

#[tokio::test]
async fn the_file_has_all_that_is_stored_about_the_user_and_no_secret() {
    let app = TestApp::new().await;
    let (id, token) = create_canaries(&app).await;
    let made = app.client().token(&token).post_nothing("/v1/auth/me/exports").await.ok(201);
    assert_eq!(made.text("/data/expiresAt"), "2026-01-02T03:19:05Z");
    let url = made.text("/data/url");
    assert!(url.contains("X-Amz-Expires=900") && key(url).starts_with(&format!("exports/{id}/")), "{url}");

    let export = read(url).await;
    let text = export.to_string();
    for canary in CANARIES {
        assert!(text.contains(canary), "{canary} is missing");
    }
    for secret in ["Hash", "argon2", "\"sealed\""] {
        assert!(!text.contains(secret), "{secret} is in the export");
    }
    assert_eq!((&export["userId"], &export["exportedAt"]), (&id.into(), &"2026-01-02T03:04:05Z".into()));
    let due = "SELECT due_at = '2026-01-02T04:04:05Z' FROM object_deletions";
    assert!(app.database.value::<bool>(due).await);
    let bob = app.person("Bob").await.client.post_nothing("/v1/auth/me/exports").await.ok(201);
    assert!(!read(bob.text("/data/url")).await.to_string().to_lowercase().contains("canary"));
}

#[tokio::test]
async fn neither_the_file_nor_the_response_has_what_other_members_have() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.person("Zoe").await);
    let (team, own) = (zoe.create_organization("Engines").await, zoe.create_organization("Looms").await);
    let own_id = own.rsplit('/').next().expect("an id").to_owned();
    let mut foreign = vec!["Looms".to_owned(), zoe.email.clone(), own_id];
    for organization in [&team, &own] {
        foreign.extend(zoe.create_everything(organization).await.into_values());
    }
    zoe.add(&team, &ada, "member").await;
    app.database
        .execute(
            "WITH zoe AS (SELECT id, sha256(id::text::bytea) AS hash FROM users WHERE name = 'Zoe'),
                  challenge AS (INSERT INTO sign_in_challenges (id, user_id, token_hash, first_factor, created_at, expires_at)
                                SELECT uuidv7(), id, hash, 'password', now(), now() FROM zoe),
                  flow AS (INSERT INTO oauth_flows (id, provider, purpose, user_id, state_hash, created_at, expires_at)
                           SELECT uuidv7(), 'acme', 'link', id, hash, now(), now() FROM zoe)
             INSERT INTO passkey_ceremonies (id, purpose, user_id, token_hash, sealed, created_at, expires_at)
             SELECT uuidv7(), 'add', id, hash, '', now(), now() FROM zoe",
        )
        .await;
    let begun = "SELECT array_agg(id::text) FROM (SELECT id FROM sign_in_challenges UNION ALL SELECT id FROM oauth_flows
                                                  UNION ALL SELECT id FROM passkey_ceremonies) AS begun";
    let begun: Vec<String> = app.database.value(begun).await;
    assert_eq!(begun.len(), 3);
    foreign.extend(begun);

    let made = ada.client.post_nothing("/v1/auth/me/exports").await.ok(201);
    let file = read(made.text("/data/url")).await.to_string();
    let response = ada.client.get("/v1/auth/me/export").await.ok(200).body.to_string();
    for text in [file, response] {
        assert!(
            text.contains(&ada.email) && text.contains(team.rsplit('/').next().expect("an id")),
            "{text}"
        );
        for foreign in &foreign {
            assert!(!text.contains(foreign), "{foreign} is in {text}");
        }
    }
}

/// Gives the user sessions with long agents, with which a file has two parts of 8 MiB and a rest.
async fn add_sessions(app: &TestApp) {
    app.database
        .execute(
            "INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, user_agent, created_at,
                                   authenticated_at, last_used_at, expires_at, ends_at)
             SELECT uuidv7(), u.id, sha256(n::text::bytea), now(), 'body', repeat('x', 7000), now(), now(), now(), now(), now()
             FROM users u, generate_series(1, 2500) n",
        )
        .await;
}

#[tokio::test]
async fn file_that_takes_too_long_leaves_no_parts_in_storage() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    add_sessions(&app).await;
    let user = UserId(ada.id.parse().expect("an id"));
    let find = async |tx: &mut _| Ok(users::find(tx, user).await?.expect("the user"));
    let user = app.state.app.db.transaction(find).await.expect("the user");
    // A table that is read after the sessions.
    let mut lock = app.database.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE mail_suppressions").execute(&mut *lock).await.expect("a lock");

    let (key, bucket) = (format!("exports/{}.json", user.id), bucket());
    let s3 = aws_sdk_s3::Client::new(client::config().await);
    let uploads = async || {
        let list = s3.list_multipart_uploads().bucket(service("ARTIFACT_BUCKET")).prefix(&key);
        list.send().await.expect("a list").uploads().len()
    };
    // Less than the time after which the database ends the wait for a lock.
    let time = Duration::from_secs(4);
    let write = export_file::write(&app.state.app.db, &bucket, &key, &user, app.clock.now(), time);
    let begun = async {
        while uploads().await == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let (written, begun) = tokio::join!(write, timeout(time, begun));
    begun.expect("parts, before the table that is locked");
    assert!(!written.expect("no failure"), "there was not enough time");
    assert_eq!(uploads().await, 0);
    assert!(bucket.get(&key).await.expect("S3").is_none());
}

#[tokio::test]
async fn the_file_has_more_rows_than_a_response() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    add_sessions(&app).await;
    app.database
        .execute(
            "INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, target_id, ip_address, request_id)
             SELECT uuidv7(), now(), 'user.updated', 'success', CASE WHEN n % 2 = 0 THEN u.id ELSE uuidv7() END, u.id,
                    '192.0.2.1', 'the request'
             FROM users u, generate_series(1, 450) n",
        )
        .await;
    let made = ada.client.post_nothing("/v1/auth/me/exports").await.ok(201);
    let export = read(made.text("/data/url")).await;
    let records = export["records"].as_array().expect("records");
    let rows = |table: &str| {
        let found = records.iter().find(|record| record["table"] == table).expect("the table");
        assert_eq!(found["complete"], true);
        found["rows"].as_array().expect("rows")
    };
    assert_eq!(rows("sessions").len(), 2501);
    let events = rows("audit_events");
    let of_others =
        events.iter().filter(|event| event["action"] == "user.updated" && event["actorId"].is_null());
    assert_eq!(events.iter().filter(|event| event["action"] == "user.updated").count(), 450);
    assert_eq!(of_others.clone().count(), 225);
    assert!(of_others.into_iter().all(|event| event["ipAddress"].is_null()));
}
