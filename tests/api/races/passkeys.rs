use futures_util::future::{join, join_all};
use harness::Passkey;
use serde_json::json;

use super::{CONCURRENT, assert_one_succeeded, concurrent_app, send_from_many};

#[tokio::test]
async fn one_of_sixteen_concurrent_uses_of_a_sign_in_with_a_passkey_gets_a_code() {
    let app = concurrent_app().await;
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    let begun = app.client().begin_passkey_sign_in().await;
    let credentials: Vec<_> = (0..CONCURRENT).map(|_| passkey.sign(&begun["publicKey"], |_| ())).collect();
    let body = |n: usize| json!({ "token": begun["token"], "credential": credentials[n] });
    let answers = send_from_many(&app, "/v1/auth/passkeys/sign-in", body).await;
    assert_one_succeeded(&answers, 200, (401, "wrong-passkey"));
}

#[tokio::test]
async fn one_of_sixteen_concurrent_uses_of_the_code_of_a_passkey_signs_in() {
    let app = concurrent_app().await;
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    let code = app.client().passkey_code(&passkey).await;
    let body = |_| json!({ "passkeyCode": code });
    let answers = send_from_many(&app, "/v1/auth/oauth/exchange", body).await;
    assert_one_succeeded(&answers, 201, (401, "wrong-sign-in-code"));
}

#[tokio::test]
async fn one_of_sixteen_concurrent_additions_adds_a_passkey() {
    let app = concurrent_app().await;
    let ada = app.verified_person("Ada").await;
    let begun = ada.begin_passkey().await;
    let passkeys: Vec<_> = (0..CONCURRENT).map(|_| Passkey::new(&begun["publicKey"])).collect();
    let credentials: Vec<_> = passkeys.iter().map(|one| one.create(&begun["publicKey"], |_| ())).collect();
    let sent = credentials.iter().map(|credential| ada.finish_passkey(&begun, "Phone", credential));
    let answers = join_all(sent).await;
    assert_one_succeeded(&answers, 201, (422, "passkey-not-valid"));
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM passkeys").await, 1);
}

#[tokio::test]
async fn no_passkey_stays_that_is_added_while_the_account_is_taken_back() {
    let app = concurrent_app().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let mut prepared = Vec::new();
    for _ in 0..CONCURRENT {
        let begun = ada.begin_passkey().await;
        let credential = Passkey::new(&begun["publicKey"]).create(&begun["publicKey"], |_| ());
        prepared.push((begun, credential));
    }
    let recover = format!("/v1/users/{}/recover", ada.id);
    let sent = prepared.iter().map(|(begun, credential)| ada.finish_passkey(begun, "Phone", credential));
    let (recovered, answers) = join(grace.client.post(&recover, json!({})), join_all(sent)).await;
    recovered.ok(200);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refused(401, "unauthenticated");
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM passkeys").await, 0);
}
