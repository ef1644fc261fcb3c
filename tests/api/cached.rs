//! The profile cache: changes are seen at once, and requests make few round trips.

use std::time::Duration;

use futures_util::future::join_all;
use harness::{PASSWORD, TestApp, Wire, function_settings};
use serde_json::json;
use tokio::time::sleep;

const ME: &str = "/v1/auth/me";

#[tokio::test]
async fn account_changes_are_seen_at_once() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let eve = app.administrator("Eve").await;
    let name = async || ada.client.get(ME).await.ok(200).text("/data/name").to_owned();
    assert_eq!(name().await, "Ada");

    ada.client.patch(ME, json!({ "name": "Countess" })).await.ok(200);
    assert_eq!(name().await, "Countess");

    eve.client.patch(&format!("/v1/users/{}", ada.id), json!({ "name": "Augusta" })).await.ok(200);
    assert_eq!(name().await, "Augusta");

    assert_eq!(ada.client.get(ME).await.body["data"]["emailVerified"], false);
    ada.verify_address().await;
    assert_eq!(ada.client.get(ME).await.body["data"]["emailVerified"], true);
}

#[tokio::test]
async fn concurrent_reads_never_cache_an_old_profile() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for round in 0..4 {
        let names = (0..16).map(|reader| {
            let (ada, other) = (&ada, app.second_instance());
            async move {
                if reader == 0 {
                    ada.client.patch(ME, json!({ "name": format!("Ada {round}") })).await.ok(200);
                }
                other.client().token(&ada.access_token).get(ME).await.ok(200);
            }
        });
        join_all(names).await;
        let answer = ada.client.get(ME).await.ok(200);
        assert_eq!(answer.text("/data/name"), format!("Ada {round}"));
    }
}

/// BEGIN, the statement and COMMIT together.
const ROW: usize = 1;

/// Starts a second instance with a counted connection to Redis and to the database.
async fn wired(app: &TestApp, settings: &[(&str, &str)]) -> (TestApp, Wire, Wire) {
    let own = function_settings(&app.database);
    let (cache, database) = (Wire::to(&own["REDIS_URL"]).await, Wire::to(&own["DATABASE_URL"]).await);
    let mut settings = settings.to_vec();
    settings.extend([("REDIS_URL", &*cache.url), ("DATABASE_URL", &*database.url)]);
    (app.second_instance_with(&settings), cache, database)
}

#[tokio::test]
async fn request_makes_one_trip_to_redis_and_one_to_postgresql() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (wired, cache, database) = wired(&app, &[]).await;
    let client = wired.client().token(&ada.access_token);
    let organizations = "/v1/organizations";
    let organization = ada.client.get(organizations).await.text("/data/0/id").to_owned();
    let session = ada.client.get("/v1/auth/sessions").await.text("/data/0/id").to_owned();

    // The first request connects and fills the cache.
    client.get(ME).await.ok(200);
    let rows = [
        (organizations.to_owned(), ROW),
        // The check of the membership reads it. ROLLBACK ends the transaction.
        (format!("{organizations}/{organization}"), ROW + 1),
        (format!("/v1/auth/sessions/{session}"), ROW),
    ];
    for (path, trips) in rows {
        cache.reset();
        database.reset();
        client.get(&path).await.ok(200);
        assert_eq!((cache.round_trips(), database.round_trips()), (1, trips), "{path}");
        client.get(ME).await.ok(200);
        assert_eq!((cache.round_trips(), database.round_trips()), (2, trips), "{ME}");
    }
}

#[tokio::test]
async fn login_makes_three_trips_to_redis_and_two_transactions() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (wired, cache, database) = wired(&app, &[]).await;
    let sign_in = async || {
        let body = json!({ "email": ada.email, "password": PASSWORD });
        wired.client().post("/v1/auth/login", body).await.ok(201);
    };
    // The first request connects.
    sign_in().await;
    cache.reset();
    database.reset();
    sign_in().await;
    // Redis: count the request, count the attempt, undo it. PostgreSQL: the password's hash; then the lock; then the session, its
    // audit event and COMMIT together.
    assert_eq!((cache.round_trips(), database.round_trips()), (3, 1 + 1 + 1));
}

#[tokio::test]
async fn connection_idle_for_too_long_is_not_used_again() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for (keep, dials) in [("0", true), ("1", false)] {
        let (wired, _, database) = wired(&app, &[("DB_IDLE_TIMEOUT", "1"), ("DB_POOL_MIN", keep)]).await;
        let client = wired.client().token(&ada.access_token);
        client.get("/v1/organizations").await.ok(200);
        sleep(Duration::from_millis(2)).await;
        database.reset();
        client.get("/v1/organizations").await.ok(200);
        assert_eq!(database.round_trips() > ROW, dials, "{keep} kept");
    }
}
