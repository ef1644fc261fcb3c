use std::collections::HashSet;

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{Answer, Client};
use serde_json::{Value, json};

use super::{CONCURRENT, concurrent_app};

const PATH: &str = "/v1/organizations";

fn engines() -> Value {
    json!({ "name": "Engines" })
}

/// Sends one request many times at once, and returns the answers.
async fn send_concurrently(client: &Client<'_>) -> Vec<Answer> {
    join_all((0..CONCURRENT).map(|_| client.post(PATH, engines()))).await
}

#[tokio::test]
async fn sixteen_concurrent_requests_with_one_key_create_one_organization() {
    let app = concurrent_app().await;
    let ada = app.verified_person("Ada").await;
    for round in 0..5 {
        let client = ada.client.with("idempotency-key", &format!("round-{round}"));

        let (made, waiting): (Vec<_>, Vec<_>) =
            send_concurrently(&client).await.into_iter().partition(|answer| answer.status == 201);

        for answer in &waiting {
            answer.refused(409, "idempotency-key-in-progress");
        }
        let ids: HashSet<_> = made.iter().map(Answer::id).collect();
        assert_eq!(ids.len(), 1, "{made:?}");
        let first = made.iter().filter(|answer| answer.header("idempotency-replayed").is_empty());
        assert_eq!(first.count(), 1);
        let again = client.post(PATH, engines()).await.ok(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!((&again.body, again.header("etag")), (&made[0].body, made[0].header("etag")));
        client.post(PATH, json!({ "name": "Others" })).await.refused(422, "idempotency-key-reused");
    }
    let engines = "SELECT count(*) FROM organizations WHERE personal_to IS NULL";
    assert_eq!(app.database.value::<i64>(engines).await, 5);
}

#[tokio::test]
async fn idempotency_keys_of_two_users_are_independent() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let clients = [&ada, &bob].map(|person| person.client.with("idempotency-key", "the-same"));

    let answers = join_all(clients.iter().map(|client| client.post(PATH, engines()))).await;

    let ids: HashSet<_> = answers.iter().map(|answer| answer.clone().ok(201).id().to_owned()).collect();
    assert_eq!(ids.len(), 2);
    assert!(answers.iter().all(|answer| answer.header("idempotency-replayed").is_empty()));
    let path = format!("{PATH}/{}", answers[0].id());
    bob.client.get(&path).await.refused(404, "organization-not-found");
}

#[tokio::test]
async fn refused_request_can_be_repeated_with_its_key() {
    let app = concurrent_app().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let body = json!({ "name": "Engines", "slug": "engines" });
    let theirs = zoe.client.post(PATH, body.clone()).await.ok(201);
    let client = ada.client.with("idempotency-key", "once");
    client.post(PATH, body.clone()).await.refused(409, "slug-taken");
    let other = json!({ "slug": "other" });
    zoe.client.patch(&format!("{PATH}/{}", theirs.id()), other).await.ok(200);

    let made = client.post(PATH, body.clone()).await.ok(201);

    assert_eq!(made.header("idempotency-replayed"), "");
    let again = client.post(PATH, body).await.ok(201);
    assert_eq!((again.header("idempotency-replayed"), again.id()), ("true", made.id()));
}

#[tokio::test]
async fn sixteen_concurrent_registrations_with_one_key_create_one_account() {
    let app = concurrent_app().await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": harness::PASSWORD });
    let clients: Vec<_> =
        (0..CONCURRENT).map(|_| app.client().with("idempotency-key", "the-first-try")).collect();

    let answers = join_all(clients.iter().map(|client| client.post("/v1/auth/register", body.clone()))).await;

    let (made, waiting): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    for answer in &waiting {
        answer.refused(409, "idempotency-key-in-progress");
    }
    let ids: HashSet<_> = made.iter().map(|answer| answer.text("/data/user/id")).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.mails().len(), 1);
}

#[tokio::test]
async fn answer_is_kept_for_a_day_then_deleted() {
    let app = concurrent_app().await;
    let ada = app.verified_person("Ada").await;
    let first = ada.client.with("idempotency-key", "first");
    let made = first.post(PATH, engines()).await.ok(201);
    app.clock.advance(TimeDelta::hours(24));
    let ada = ada.sign_in_again().await;

    let again = ada.client.with("idempotency-key", "first").post(PATH, engines()).await.ok(201);
    assert_ne!(again.id(), made.id());
    app.clock.advance(TimeDelta::hours(24));
    let ada = ada.sign_in_again().await;
    ada.client.with("idempotency-key", "second").post(PATH, engines()).await.ok(201);

    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM idempotency_records").await, 1);
}
