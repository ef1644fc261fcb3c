use chrono::TimeDelta;
use harness::{Client, ORIGIN, PASSWORD, TestApp};
use serde_json::{Value, json};

const LOGIN: &str = "/v1/auth/login";

/// Sends ten wrong passwords, after which this client has to wait.
async fn use_up(client: &Client<'_>, guess: &Value) {
    for _ in 0..10 {
        client.post(LOGIN, guess.clone()).await.refused(401, "wrong-credentials");
    }
    client.post(LOGIN, guess.clone()).await.refused(429, "too-many-attempts");
}

#[tokio::test]
async fn every_sign_in_makes_the_device_known() {
    let app = TestApp::new().await;
    let email = "ada@example.com";
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    let registered = app.client().post("/v1/auth/register", body).await.ok(201);
    let signed_in = app.client().post(LOGIN, json!({ "email": email, "password": PASSWORD })).await.ok(201);
    app.client().post("/v1/auth/magic-links", json!({ "email": email })).await.ok(202);
    // The address was not verified, so this removes the password; it is set again by mail.
    let token = json!({ "token": app.token_mailed_to(email) });
    let by_mail = app.client().post("/v1/auth/magic-links/verify", token).await.ok(201);
    app.client().post("/v1/auth/forgot-password", json!({ "email": email })).await.ok(202);
    let reset = json!({ "token": app.token_mailed_to(email), "newPassword": PASSWORD });
    app.client().post("/v1/auth/reset-password", reset).await.ok(204);

    let office = app.client();
    use_up(&office, &json!({ "email": email, "password": "not the password" })).await;
    for answer in [registered, signed_in, by_mail] {
        let device = answer.text("/data/deviceToken");
        let right = json!({ "email": email.to_uppercase(), "password": PASSWORD, "deviceToken": device });
        office.post(LOGIN, right).await.ok(201);
    }
}

#[tokio::test]
async fn browser_keeps_its_device_in_a_cookie_for_a_year() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let browser = app.client().with("origin", ORIGIN);
    let right = json!({ "email": ada.email, "password": PASSWORD, "transport": "cookie" });
    let answer = browser.post(LOGIN, right.clone()).await.ok(201);
    assert!(answer.body["data"].get("deviceToken").is_none());
    let cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text"));
    let cookie =
        cookies.into_iter().find(|cookie| cookie.starts_with("__Host-arches_device=")).expect("a device");
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!(attributes, "Max-Age=31536000; Path=/; Secure; HttpOnly; SameSite=Strict");

    use_up(&browser, &json!({ "email": ada.email, "password": "not the password" })).await;

    browser.post(LOGIN, right.clone()).await.refused(429, "too-many-attempts");
    browser.with("cookie", pair).post(LOGIN, right).await.ok(201);
}

#[tokio::test]
async fn known_device_has_a_count_of_its_own() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let right = json!({ "email": ada.email, "password": PASSWORD });
    let device = app.client().post(LOGIN, right.clone()).await.ok(201).text("/data/deviceToken").to_owned();
    let office = app.client();
    let with = |password: &str| json!({ "email": ada.email, "password": password, "deviceToken": device });

    use_up(&office, &with("not the password")).await;

    app.client().post(LOGIN, with(PASSWORD)).await.refused(429, "too-many-attempts");
    office.post(LOGIN, right).await.ok(201);
}

#[tokio::test]
async fn device_has_one_count_however_often_it_signs_in() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.clock.advance(TimeDelta::days(1));
    let again = ada.sign_in_again().await;
    assert_ne!(again.device_token, ada.device_token, "it is known for a year from now");
    let with = |device: &str, password: &str| json!({ "email": ada.email, "password": password, "deviceToken": device });

    use_up(&app.client(), &with(&ada.device_token, "not the password")).await;

    app.client().post(LOGIN, with(&again.device_token, PASSWORD)).await.refused(429, "too-many-attempts");
    app.clock.advance(TimeDelta::days(365) - TimeDelta::seconds(1));
    let other = app.client();
    use_up(&other, &json!({ "email": ada.email, "password": "not the password" })).await;
    other.post(LOGIN, with(&again.device_token, PASSWORD)).await.ok(201);
}

#[tokio::test]
async fn device_of_another_account_is_unknown() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
    let hers = json!({ "email": eve.email, "password": PASSWORD });
    let device = app.client().post(LOGIN, hers).await.ok(201).text("/data/deviceToken").to_owned();
    let office = app.client();
    use_up(&office, &json!({ "email": ada.email, "password": "not the password" })).await;
    for device in [device.as_str(), "dt_forged", ""] {
        let guess = json!({ "email": ada.email, "password": PASSWORD, "deviceToken": device });
        office.post(LOGIN, guess).await.refused(429, "too-many-attempts");
    }
    // A token that is not valid does not stop a sign-in.
    let right = json!({ "email": ada.email, "password": PASSWORD, "deviceToken": "dt_forged" });
    app.client().post(LOGIN, right).await.ok(201);
}
