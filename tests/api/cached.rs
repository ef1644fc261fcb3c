//! What the cache is believed, what it costs to ask, and that nobody sees what has been changed.

use futures_util::future::join_all;
use harness::{TestApp, Wire, function_settings};
use serde_json::json;

const ME: &str = "/v1/auth/me";

#[tokio::test]
async fn a_change_is_seen_at_once_whoever_made_it() {
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
    ada.prove_address().await;
    assert_eq!(ada.client.get(ME).await.body["data"]["emailVerified"], true);
}

#[tokio::test]
async fn of_sixteen_at_once_nobody_sees_less_than_what_was_changed_before() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for round in 0..4 {
        let names = (0..16).map(|reader| {
            let (ada, other) = (&ada, app.beside());
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

/// BEGIN, parse, execute, COMMIT.
const ROW: usize = 4;

#[tokio::test]
async fn a_request_asks_the_cache_once_and_for_a_row_the_database_four_times() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let settings = function_settings(&app.database);
    let (cache, database) =
        (Wire::to(&settings["REDIS_URL"]).await, Wire::to(&settings["DATABASE_URL"]).await);
    let wired = app.beside_with(&[("REDIS_URL", &cache.url), ("DATABASE_URL", &database.url)]);
    let client = wired.client().token(&ada.access_token);
    let organizations = "/v1/organizations";
    let organization = ada.client.get(organizations).await.text("/data/0/id").to_owned();
    let session = ada.client.get("/v1/auth/sessions").await.text("/data/0/id").to_owned();

    // The first one dials and remembers.
    client.get(ME).await.ok(200);
    let rows = [
        organizations.to_owned(),
        format!("{organizations}/{organization}"),
        format!("/v1/auth/sessions/{session}"),
    ];
    for path in rows {
        cache.forget();
        database.forget();
        client.get(&path).await.ok(200);
        assert_eq!((cache.trips(), database.trips()), (1, ROW), "{path}");
        client.get(ME).await.ok(200);
        assert_eq!((cache.trips(), database.trips()), (2, ROW), "{ME}");
    }
}
