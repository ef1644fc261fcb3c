//! Sixteen at once.

use futures_util::future::join_all;
use harness::{
    Answer, Issuer, TestApp,
    sign_in::{AtProvider, app_with, code},
};
use serde_json::json;

use super::{ADDRESS, EXCHANGE, begin_link, identities, register, sign_in};

async fn concurrent_app(issuer: &Issuer) -> TestApp {
    let many = [("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")];
    app_with(&[("acme", issuer.credentials())], &many).await
}

fn assert_one(answers: &[Answer], won: u16, refusal: (u16, &str)) {
    let winners = answers.iter().filter(|answer| answer.status == won).count();
    assert_eq!(winners, 1, "{answers:#?}");
    for answer in answers.iter().filter(|answer| answer.status != won) {
        answer.refused(refusal.0, refusal.1);
    }
}

#[tokio::test]
async fn of_sixteen_exchanges_of_a_code_one_signs_in() {
    let issuer = Issuer::start().await;
    let app = concurrent_app(&issuer).await;
    // The first one creates the account, the second one knows it.
    for _ in 0..2 {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        let body = json!({ "code": code(&flow.come_back_as(&app, &issuer, "ada", &json!({})).await) });
        let answers = join_all((0..16).map(|_| flow.browser.post(EXCHANGE, body.clone()))).await;
        assert_one(&answers, 201, (401, "wrong-sign-in-code"));
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM sessions").await, 2);
}

#[tokio::test]
async fn sixteen_sign_ins_of_a_new_person_make_one_account() {
    let issuer = Issuer::start().await;
    let app = concurrent_app(&issuer).await;
    let mut flows = Vec::new();
    for _ in 0..16 {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;
        flows.push((flow, json!({ "code": code(&back) })));
    }
    let answers = join_all(flows.iter().map(|(flow, body)| flow.browser.post(EXCHANGE, body.clone()))).await;
    assert!(answers.iter().any(|answer| answer.status == 201), "{answers:#?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refused(503, "try-again");
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert_eq!(identities(&app).await, 1);
}

#[tokio::test]
async fn of_sixteen_users_who_link_an_identity_one_gets_it() {
    let issuer = Issuer::start().await;
    let app = concurrent_app(&issuer).await;
    let mut flows = Vec::new();
    for n in 0..16 {
        let person = app.person(&format!("Person{n}")).await;
        let flow = begin_link(&person.client).await;
        let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;
        flows.push((flow, json!({ "code": code(&back) })));
    }
    let answers = join_all(flows.iter().map(|(flow, body)| flow.browser.post(EXCHANGE, body.clone()))).await;
    assert_one(&answers, 204, (409, "linked-elsewhere"));
}

#[tokio::test]
async fn of_sixteen_presses_of_a_mailed_link_one_links() {
    let issuer = Issuer::start().await;
    let app = concurrent_app(&issuer).await;
    register(&app, true).await;
    sign_in(&app, &issuer, &json!({})).await.refused(409, "account-exists");
    let token = json!({ "token": app.token_mailed_to(ADDRESS) });
    let clients: Vec<_> = (0..16).map(|_| app.client()).collect();
    let answers =
        join_all(clients.iter().map(|client| client.post("/v1/auth/link-identity", token.clone()))).await;
    assert_one(&answers, 204, (422, "invalid-token"));
}

#[tokio::test]
async fn link_begins_once() {
    let issuer = Issuer::start().await;
    let app = concurrent_app(&issuer).await;
    let ada = app.person("Ada").await;
    let begun = ada.client.post("/v1/auth/accounts", json!({ "provider": "acme" })).await.ok(201);
    let (_, query) = begun.text("/data/authorizationUrl").split_once('?').expect("a query");
    let path = format!("/v1/auth/oauth/acme/authorize?{query}");
    let clients: Vec<_> = (0..16).map(|_| app.client()).collect();
    let answers = join_all(clients.iter().map(|client| client.get(&path))).await;
    let sent = answers.iter().filter(|answer| answer.header("location").starts_with(issuer.url())).count();
    assert_eq!(sent, 1);
    let refused =
        answers.iter().filter(|answer| answer.header("location").ends_with("#error=flow-not-valid"));
    assert_eq!(refused.count(), 15);
}
