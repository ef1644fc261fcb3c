use harness::{PASSWORD, TestApp};
use serde_json::json;

const VERIFY: &str = "/v1/auth/magic-links/verify";

#[tokio::test]
async fn repeats_of_an_invitation_use_up_no_limit() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/invitations", ada.create_organization("Engines").await);
    let body = json!({ "email": "bob@example.com", "role": "member" });
    let client = ada.client.with("idempotency-key", "once");
    let first = client.post(&path, body.clone()).await.ok(201);
    for _ in 0..25 {
        let again = client.post(&path, body.clone()).await.ok(201);
        assert_eq!((again.header("idempotency-replayed"), again.id()), ("true", first.id()));
    }
    assert_eq!(app.mails().iter().filter(|mail| mail.to.as_ref() == "bob@example.com").count(), 1);
}

#[tokio::test]
async fn repeats_of_a_registration_use_up_no_limit_and_get_no_session() {
    let app = TestApp::new().await;
    let client = app.client().with("idempotency-key", "the-first-try");
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let first = client.post("/v1/auth/register", body.clone()).await.ok(201);
    for _ in 0..25 {
        let again = client.post("/v1/auth/register", body.clone()).await.ok(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.body, json!({ "data": { "user": first.body["data"]["user"] } }));
        assert_eq!(again.header("set-cookie"), "");
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM sessions").await, 1);
    let other = json!({ "name": "Eve", "email": "eve@example.com", "password": PASSWORD });
    client.post("/v1/auth/register", other).await.ok(201);
}

#[tokio::test]
async fn known_idempotency_key_of_a_registration_lets_nobody_guess_the_password() {
    let app = TestApp::new().await;
    let body = |password: &str| json!({ "name": "Ada", "email": "ada@example.com", "password": password });
    app.client().with("idempotency-key", "known").post("/v1/auth/register", body(PASSWORD)).await.ok(201);
    let mut refused = Vec::new();
    for n in 0..110 {
        let thief = app.client().with("idempotency-key", "known");
        refused.push(thief.post("/v1/auth/register", body(&format!("a long guess {n}"))).await);
    }
    assert_eq!(refused.iter().filter(|answer| answer.problem() == "idempotency-key-reused").count(), 100);
    let thief = app.client().with("idempotency-key", "known");
    thief.post("/v1/auth/register", body(PASSWORD)).await.refused(429, "too-many-attempts");
}

#[tokio::test]
async fn idempotency_key_replays_no_sign_in() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let code = app.code_mailed_to(&ada.email);
    let client = app.client().with("idempotency-key", "known");
    let proof = json!({ "email": ada.email, "code": code });
    client.post(VERIFY, proof.clone()).await.ok(201);

    client.post(VERIFY, proof).await.refused(422, "invalid-code");
    // A guess is counted, whatever the key.
    let guess = json!({ "email": ada.email, "code": "guess" });
    for _ in 0..9 {
        client.post(VERIFY, guess.clone()).await.refused(422, "invalid-code");
    }
    client.post(VERIFY, guess).await.refused(429, "too-many-attempts");
    let login = json!({ "email": ada.email, "password": PASSWORD });
    let first = client.post("/v1/auth/login", login.clone()).await.ok(201);
    let second = client.post("/v1/auth/login", login).await.ok(201);
    assert_ne!(first.text("/data/session/id"), second.text("/data/session/id"));
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM idempotency_records").await, 0);
}

#[tokio::test]
async fn refused_invitations_use_up_no_limit() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let own = ada.create_organization("Engines").await;
    let body = |role: &str| json!({ "email": "zoe@example.com", "role": role });
    ada.add(&own, &bob, "admin").await;
    for _ in 0..12 {
        let answer = bob.client.post(&format!("{own}/invitations"), body("owner")).await;
        answer.refused(403, "role-above-own");
    }
    ada.client.post(&format!("{own}/invitations"), body("member")).await.ok(201);
    for _ in 0..12 {
        let answer = ada.client.post(&format!("{own}/invitations"), body("member")).await;
        answer.refused(409, "already-invited");
    }
    let elsewhere = bob.create_organization("Machines").await;
    bob.client.post(&format!("{elsewhere}/invitations"), body("member")).await.ok(201);
}

#[tokio::test]
async fn one_organization_cannot_use_up_the_invitations_of_an_address() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (own, elsewhere) =
        (ada.create_organization("Engines").await, bob.create_organization("Machines").await);
    let body = json!({ "email": "zoe@example.com", "role": "member" });
    for _ in 0..10 {
        let made = ada.client.post(&format!("{own}/invitations"), body.clone()).await.ok(201);
        ada.client.delete(&format!("{own}/invitations/{}", made.id())).await.ok(204);
    }
    let refused = ada.client.post(&format!("{own}/invitations"), body.clone()).await;
    refused.refused(429, "too-many-attempts");
    assert_eq!(refused.header("ratelimit-limit"), "10");
    assert_eq!(refused.header("retry-after"), "86400");
    bob.client.post(&format!("{elsewhere}/invitations"), body).await.ok(201);
}

#[tokio::test]
async fn invitations_to_an_address_from_all_organizations_are_limited() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let body = json!({ "email": "zoe@example.com", "role": "member" });
    let mut paths: Vec<String> = Vec::new();
    for _ in 0..6 {
        paths.push(format!("{}/invitations", ada.create_organization("Engines").await));
    }
    for path in &paths[..5] {
        for _ in 0..10 {
            let made = ada.client.post(path, body.clone()).await.ok(201);
            ada.client.delete(&format!("{path}/{}", made.id())).await.ok(204);
        }
    }
    ada.client.post(&paths[5], body.clone()).await.refused(429, "too-many-attempts");
    app.clock.advance(chrono::TimeDelta::hours(24));
    ada.sign_in_again().await.client.post(&paths[5], body).await.ok(201);
}
