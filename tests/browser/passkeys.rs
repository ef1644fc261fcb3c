//! Passkeys, with an authenticator that Chromium simulates.

use harness::PASSWORD;
use serde_json::json;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn person_adds_a_passkey_and_signs_in_with_it_without_a_name() {
    let site = Site::with_front_end().await;
    let ada = site.app.verified_person("Ada").await;
    let signed_in = site.tell("sign-in-with-passkey", &json!({ "accessToken": ada.access_token })).await;
    assert_eq!(signed_in["user"]["id"], ada.id);
    let factors = "SELECT array_to_string(factors, ' ') FROM sessions ORDER BY id DESC LIMIT 1";
    assert_eq!(site.app.database.value::<String>(factors).await, "passkey");
}

#[tokio::test(flavor = "multi_thread")]
async fn passkey_is_a_second_factor() {
    let site = Site::with_front_end().await;
    let ada = site.app.verified_person("Ada").await;
    let second = ada.add_authenticator().await;
    // The session of `ada` began before the second factor.
    let ada = ada.sign_in_with(&second.app).await;
    let given = json!({ "accessToken": ada.access_token, "email": ada.email, "password": PASSWORD });
    let signed_in = site.tell("passkey-as-second-factor", &given).await;
    assert_eq!(signed_in["user"]["id"], ada.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn passkey_without_verification_of_the_person_is_refused() {
    let site = Site::with_front_end().await;
    let ada = site.app.verified_person("Ada").await;
    site.tell("passkey-without-verification", &json!({ "accessToken": ada.access_token })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passkey_of_another_origin_is_refused() {
    let site = Site::with_front_end().await;
    let ada = site.app.verified_person("Ada").await;
    site.tell("passkey-at-stranger", &json!({ "accessToken": ada.access_token })).await;
}
