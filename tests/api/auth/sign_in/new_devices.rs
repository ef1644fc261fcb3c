//! A sign-in from a device that the account does not know is mailed.

use chrono::TimeDelta;
use harness::{Answer, Client, ORIGIN, PASSWORD, Person, TestApp};
use serde_json::{Value, json};

const LOGIN: &str = "/v1/auth/login";
const SUBJECT: &str = "A sign-in from a new device";
const NEW_PASSWORD: &str = "an entirely different phrase";

/// Returns the number of mails about sign-ins to `email`.
fn notices(app: &TestApp, email: &str) -> usize {
    app.mails().iter().filter(|mail| mail.to.as_ref() == email && mail.subject == SUBJECT).count()
}

fn credentials(person: &Person<'_>) -> Value {
    json!({ "email": person.email, "password": PASSWORD })
}

fn from_device(person: &Person<'_>, device: &str) -> Value {
    json!({ "email": person.email, "password": PASSWORD, "deviceToken": device })
}

/// Signs in with a code that was mailed.
async fn sign_in_by_mail(app: &TestApp, client: &Client<'_>, email: &str, device: Option<&str>) -> Answer {
    app.client().post("/v1/auth/magic-links", json!({ "email": email })).await.ok(202);
    let mut proof = json!({ "email": email, "code": app.code_mailed_to(email) });
    if let Some(device) = device {
        proof["deviceToken"] = json!(device);
    }
    client.post("/v1/auth/magic-links/verify", proof).await.ok(201)
}

#[tokio::test]
async fn sign_in_from_a_new_device_is_mailed_with_device_time_and_address() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Canary").await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0 canary.example";
    app.client().at("203.0.113.7").with("user-agent", agent).post(LOGIN, credentials(&ada)).await.ok(201);
    let mail = app.mail_to(&ada.email);
    assert_eq!(mail.subject, SUBJECT);
    for text in [&mail.text, &mail.html] {
        assert!(
            text.contains("Firefox on Linux, on 2 January 2026 at 03:04 UTC, from 203.0.113.7."),
            "{text}"
        );
        assert!(text.contains("/reject-sign-in?token="), "{text}");
        assert!(!text.to_lowercase().contains("canary.example") && !text.contains("Canary"), "{text}");
    }
}

#[tokio::test]
async fn sign_in_from_a_known_device_is_not_mailed() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    // The device that registered is known.
    ada.sign_in_again().await;
    assert_eq!(notices(&app, &ada.email), 0);
    let phone = ada.sign_in_elsewhere().await;
    assert_eq!(notices(&app, &ada.email), 1);
    app.clock.advance(TimeDelta::days(364));
    let phone = phone.sign_in_again().await;
    app.clock.advance(TimeDelta::days(364));
    phone.sign_in_again().await;
    assert_eq!(notices(&app, &ada.email), 1);
    app.clock.advance(TimeDelta::days(365));
    phone.sign_in_again().await;
    assert_eq!(notices(&app, &ada.email), 2);
}

#[tokio::test]
async fn browser_is_known_by_its_cookie() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let browser = app.client().with("origin", ORIGIN);
    let login = json!({ "email": ada.email, "password": PASSWORD, "transport": "cookie" });
    let answer = browser.post(LOGIN, login.clone()).await.ok(201);
    assert_eq!(notices(&app, &ada.email), 1);
    let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let cookie = cookies.into_iter().find(|cookie| cookie.starts_with("__Host-arches_device="));
    let (pair, _) = cookie.and_then(|cookie| cookie.split_once(';')).expect("a device");
    let browser = browser.with("cookie", pair);
    browser.post(LOGIN, login).await.ok(201);
    sign_in_by_mail(&app, &browser, &ada.email, None).await;
    assert_eq!(notices(&app, &ada.email), 1);
}

#[tokio::test]
async fn sign_in_by_mail_from_a_new_device_is_mailed_too() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    sign_in_by_mail(&app, &app.client(), &ada.email, Some(&ada.device_token)).await;
    assert_eq!(notices(&app, &ada.email), 0);
    sign_in_by_mail(&app, &app.client(), &ada.email, None).await;
    assert_eq!(notices(&app, &ada.email), 1);
}

#[tokio::test]
async fn address_that_nobody_has_proved_gets_no_mail_about_sign_ins() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.sign_in_elsewhere().await;
    assert_eq!(app.mail_count(&ada.email), 1, "the link that verifies the address");
    let links = "SELECT count(*) FROM verification_tokens WHERE purpose = 'reject_sign_in'";
    assert_eq!(app.database.value::<i64>(links).await, 0);
}

#[tokio::test]
async fn device_of_another_account_or_a_forged_one_is_new() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.verified_person("Ada").await, app.verified_person("Eve").await);
    for (n, device) in [&*eve.device_token, "dt_forged", "", &ada.refresh_token].into_iter().enumerate() {
        app.client().post(LOGIN, from_device(&ada, device)).await.ok(201);
        assert_eq!(notices(&app, &ada.email), n + 1, "{device}");
    }
}

#[tokio::test]
async fn new_password_makes_every_device_new() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.clock.advance(TimeDelta::seconds(1));
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    ada.client.post("/v1/auth/change-password", change).await.ok(204);
    let login = json!({ "email": ada.email, "password": NEW_PASSWORD, "deviceToken": ada.device_token });
    let known = app.client().post(LOGIN, login.clone()).await.ok(201);
    assert_eq!(notices(&app, &ada.email), 1);
    let device = known.text("/data/deviceToken").to_owned();
    app.client()
        .post(LOGIN, json!({ "email": ada.email, "password": NEW_PASSWORD, "deviceToken": device }))
        .await
        .ok(201);
    assert_eq!(notices(&app, &ada.email), 1);

    app.clock.advance(TimeDelta::seconds(1));
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let reset = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": PASSWORD });
    app.client().post("/v1/auth/reset-password", reset).await.ok(204);
    app.client().post(LOGIN, from_device(&ada, &device)).await.ok(201);
    assert_eq!(notices(&app, &ada.email), 2);
}

#[tokio::test]
async fn password_that_gets_a_stronger_hash_makes_no_device_new() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    // argon2id of "an older phrase", with 4 MiB and 1 pass.
    app.database
        .execute("UPDATE users SET password_hash = '$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$eTGgEIXFbpcrbNRjPE0lmx0R339jfrNPJq6Ivm2gHVY'")
        .await;
    app.clock.advance(TimeDelta::seconds(1));
    let login = json!({ "email": ada.email, "password": "an older phrase", "deviceToken": ada.device_token });
    for _ in 0..2 {
        app.client().post(LOGIN, login.clone()).await.ok(201);
    }
    assert_eq!(notices(&app, &ada.email), 0);
}

#[tokio::test]
async fn device_of_a_former_account_with_the_address_is_new() {
    let app = TestApp::new().await;
    let body = json!({ "name": "Eve", "email": "ada@example.com", "password": PASSWORD });
    let eve = app.client().post("/v1/auth/register", body.clone()).await.ok(201);
    app.client().token(eve.text("/data/accessToken")).delete("/v1/auth/me").await.ok(204);
    app.clock.advance(TimeDelta::seconds(1));
    app.client().post("/v1/auth/register", body).await.ok(201);
    let token = json!({ "token": app.token_mailed_to("ada@example.com") });
    app.client().post("/v1/auth/verify-email", token).await.ok(200);

    let device = eve.text("/data/deviceToken");
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "deviceToken": device });
    app.client().post(LOGIN, login).await.ok(201);

    assert_eq!(notices(&app, "ada@example.com"), 1);
}

#[tokio::test]
async fn stopped_address_gets_no_mail_and_the_sign_in_succeeds() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.stop_mail(&ada.email, "complaint").await;
    let before = app.mail_count(&ada.email);
    ada.sign_in_elsewhere().await;
    assert_eq!(app.mail_count(&ada.email), before);
}

#[tokio::test]
async fn mails_about_sign_ins_are_limited_and_use_up_no_other_notices() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    for _ in 0..12 {
        ada.sign_in_elsewhere().await;
    }
    assert_eq!(notices(&app, &ada.email), 10);
    let before = app.mail_count(&ada.email);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    ada.client.post("/v1/auth/change-password", change).await.ok(204);
    assert_eq!(app.mail_count(&ada.email), before + 1);
}
