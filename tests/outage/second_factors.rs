//! The second step of a sign-in while a dependency is unavailable.

use futures_util::future::join_all;
use serde_json::json;
use shared::domain::clock::Clock;

use crate::{recovers, services::Services};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_factor_works_without_redis_and_guesses_are_still_limited() {
    let mut services = Services::start().await;
    let app = services.app(&[]).await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;

    services.stop_redis();

    ada.sign_in_with(&factor.app).await;
    let used = factor.app.code_at(app.clock.now());
    let token = app.challenge(&ada.email).await;
    app.client().answer_challenge(&token, "code", &used).await.refused(401, "wrong-code");
    let thief = app.client();
    let wrong = factor.app.wrong_code_at(app.clock.now());
    for _ in 0..2 {
        let token = app.challenge(&ada.email).await;
        for _ in 0..5 {
            thief.answer_challenge(&token, "code", &wrong).await.refused(401, "wrong-code");
        }
    }
    let token = app.challenge(&ada.email).await;
    thief.answer_challenge(&token, "code", &wrong).await.refused(429, "too-many-attempts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn challenge_and_code_survive_an_outage_of_postgresql() {
    let mut services = Services::start().await;
    let app = services.app(&[]).await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let token = app.challenge(&ada.email).await;
    let code = app.next_code(&factor.app);

    services.stop_postgres();
    let clients: Vec<_> = (0..6).map(|_| app.client()).collect();
    for answer in join_all(clients.iter().map(|client| client.answer_challenge(&token, "code", &code))).await
    {
        answer.refused(503, "unavailable");
    }

    services.resume_postgres();
    recovers(&ada.client, "/v1/auth/me", 200).await;
    let body = json!({ "token": token, "code": code });
    app.client().post("/v1/auth/challenges/verify", body).await.ok(201);
}
