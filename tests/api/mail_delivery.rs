//! Mail to an address that bounces, or whose reader complained, is not sent. Nothing but the account and administrators tells it.

use harness::{Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

const ME: &str = "/v1/auth/me";

fn stopped(reason: &str) -> Value {
    json!({ "status": "stopped", "reason": reason, "since": "2026-01-01T00:00:00Z" })
}

fn ok() -> Value {
    json!({ "status": "ok", "reason": null, "since": null })
}

fn delivery(answer: &Answer) -> Value {
    answer.body["data"]["emailDelivery"].clone()
}

#[tokio::test]
async fn mail_to_a_stopped_address_is_not_sent_and_the_answers_do_not_tell() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    app.stop_mail(&ada.email, "complaint").await;
    let (before_ada, before_bob) = (app.mail_count(&ada.email), app.mail_count(&bob.email));

    for path in ["/v1/auth/forgot-password", "/v1/auth/magic-links"] {
        let started = std::time::Instant::now();
        let answer = app.client().post(path, json!({ "email": ada.email.to_uppercase() })).await;
        // As long as every answer of this route: longer than sending a mail takes.
        assert!(started.elapsed().as_millis() >= 400, "{path}");
        let other = app.client().post(path, json!({ "email": bob.email })).await;
        assert_eq!((answer.status, &answer.body), (other.status, &other.body), "{path}");
        let names = |answer: &Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&answer), names(&other), "{path}");
    }
    let passwords = json!({ "currentPassword": PASSWORD, "newPassword": "an entirely different phrase" });
    ada.client.post("/v1/auth/change-password", passwords).await.ok(204);
    bob.client
        .post("/v1/auth/change-email", json!({ "newEmail": "gone@example.com", "currentPassword": PASSWORD }))
        .await
        .ok(202);

    assert_eq!(app.mail_count(&ada.email), before_ada);
    assert_eq!(app.mail_count(&bob.email), before_bob + 3);
    assert_eq!(app.mail_count("gone@example.com"), 1);
}

#[tokio::test]
async fn no_operation_mails_a_stopped_address() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    let organization = ada.create_organization("Engines").await;
    for address in [&*ada.email, "eve@example.com", "new@example.com", "moved@example.com"] {
        app.stop_mail(address, "bounce").await;
    }
    let before = app.mails().len();

    let new = json!({ "name": "New", "email": "New@example.com", "password": "a long enough phrase" });
    let new = app.client().post("/v1/auth/register", new).await.ok(201);
    // The address is not verified: it may be somebody else's.
    assert_eq!(new.body["data"]["user"]["emailDelivery"], ok());
    let invitation = json!({ "email": "eve@example.com", "role": "member" });
    ada.client.post(&format!("{organization}/invitations"), invitation).await.ok(201);
    let moved = json!({ "newEmail": "moved@example.com", "currentPassword": PASSWORD });
    ada.client.post("/v1/auth/change-email", moved).await.ok(202);
    ada.client.delete(&organization).await.ok(200);
    ada.client.delete("/v1/auth/accounts/password").await.ok(204);
    root.client.post(&format!("/v1/users/{}/recover", ada.id), json!({})).await.ok(200);

    let mails: Vec<_> = app.mails()[before..].iter().map(|mail| mail.subject.clone()).collect();
    assert!(mails.is_empty(), "{mails:?}");
}

#[tokio::test]
async fn person_and_administrator_see_that_mail_has_stopped() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    assert_eq!(delivery(&root.client.get(&format!("/v1/users/{}", ada.id)).await.ok(200)), ok());
    app.stop_mail(&ada.email, "complaint").await;

    assert_eq!(delivery(&ada.client.get(ME).await.ok(200)), stopped("complaint"));
    let shown = root.client.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert_eq!(delivery(&shown), stopped("complaint"));
    let list = root.client.get(&format!("/v1/users?email={}", ada.email)).await.ok(200);
    assert_eq!(list.body["data"][0]["emailDelivery"], stopped("complaint"));
    let export = ada.client.get("/v1/auth/me/export").await.ok(200);
    assert!(export.body.to_string().contains(r#""reason":"complaint""#), "{export:?}");
}

#[tokio::test]
async fn new_link_to_a_verified_address_that_bounced_resumes_mail() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.stop_mail(&ada.email, "bounce").await;
    assert_eq!(delivery(&ada.client.get(ME).await.ok(200)), stopped("bounce"));
    let before = app.mail_count(&ada.email);

    ada.client.post_nothing("/v1/auth/request-verification").await.ok(202);
    assert_eq!(app.mail_count(&ada.email), before + 1, "the one mail that shows whether the address works");
    assert_eq!(delivery(&ada.client.get(ME).await.ok(200)), stopped("bounce"), "it may bounce again");
    let token = json!({ "token": app.token_mailed_to(&ada.email) });
    let verified = ada.client.post("/v1/auth/verify-email", token).await.ok(200);

    assert_eq!(delivery(&verified), ok());
    assert_eq!(delivery(&ada.client.get(ME).await.ok(200)), ok());
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    assert_eq!(app.mail_count(&ada.email), before + 2);
    let log = ada.client.get("/v1/auth/me/audit-events?action=user.mail_resumed").await.ok(200);
    assert_eq!(log.text("/data/0/actorId"), ada.id);
}

#[tokio::test]
async fn link_cannot_be_requested_after_a_complaint_or_for_an_address_that_never_worked() {
    let app = TestApp::new().await;
    let (complained, stranger) = (app.verified_person("Ada").await, app.person("Stranger").await);
    let unverified = app.person("Bob").await;
    app.stop_mail(&complained.email, "complaint").await;
    app.stop_mail(&stranger.email, "complaint").await;
    app.stop_mail(&unverified.email, "bounce").await;
    let before = app.mails().len();
    for person in [&complained, &stranger, &unverified] {
        person.client.post_nothing("/v1/auth/request-verification").await.ok(202);
    }
    assert_eq!(app.mails().len(), before);
    // Who has not verified the address does not learn what its reader did.
    assert_eq!(delivery(&stranger.client.get(ME).await.ok(200)), ok());
}

#[tokio::test]
async fn new_address_gets_mail_and_the_old_one_stays_stopped() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.stop_mail(&ada.email, "bounce").await;
    let before = app.mail_count(&ada.email);
    let change = json!({ "newEmail": "countess@example.com", "currentPassword": PASSWORD });
    ada.client.post("/v1/auth/change-email", change).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("countess@example.com") });
    ada.client.post("/v1/auth/confirm-email", token).await.ok(204);
    assert_eq!(delivery(&ada.client.get(ME).await.ok(200)), ok());
    assert_eq!(app.mail_count(&ada.email), before);
}

#[tokio::test]
async fn administrator_resumes_mail_once() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    app.stop_mail(&ada.email, "complaint").await;
    let path = format!("/v1/users/{}/mail-suppression", ada.id);
    ada.client.delete(&path).await.refused(403, "administrator-needed");

    let lifted = root.client.delete(&path).await.ok(200);
    assert_eq!(delivery(&lifted), ok());
    let again = root.client.delete(&path).await.ok(200);
    assert_eq!(again.header("etag"), lifted.header("etag"), "there is nothing to lift");

    let log = root.client.get("/v1/audit-events?action=user.mail_resumed").await.ok(200);
    assert_eq!(log.body["data"].as_array().map(Vec::len), Some(1));
    assert_eq!((log.text("/data/0/actorId"), log.text("/data/0/targetId")), (&*root.id, &*ada.id));
    let before = app.mail_count(&ada.email);
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    assert_eq!(app.mail_count(&ada.email), before + 1);
    root.client.delete(&format!("/v1/users/{}", ada.id)).await.ok(204);
    root.client.delete(&path).await.refused(409, "user-deleted");
}
