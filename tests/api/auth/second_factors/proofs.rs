//! What proves again who the user of an account with a second factor is.

use chrono::TimeDelta;
use harness::{PASSWORD, Person, SecondFactor, TestApp};
use serde_json::json;
use shared::domain::clock::Clock;

const REAUTHENTICATE: &str = "/v1/auth/reauthenticate";
const EXPORT: &str = "/v1/auth/me/export";

/// Creates a user with a second factor, whose session is eleven minutes old.
async fn create(app: &TestApp) -> (Person<'_>, SecondFactor) {
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    app.clock.advance(TimeDelta::minutes(11));
    (ada, factor)
}

#[tokio::test]
async fn code_of_the_app_makes_the_session_recent() {
    let app = TestApp::new().await;
    let (ada, factor) = create(&app).await;
    ada.client.get(EXPORT).await.refused(401, "fresh-sign-in-needed");
    let code = json!({ "code": app.next_code(&factor.app) });
    ada.client.post(REAUTHENTICATE, code.clone()).await.ok(204);
    ada.client.get(EXPORT).await.ok(200);
    ada.client.post(REAUTHENTICATE, code).await.refused(403, "wrong-code");
}

#[tokio::test]
async fn recovery_code_makes_the_session_recent_once() {
    let app = TestApp::new().await;
    let (ada, factor) = create(&app).await;
    let code = json!({ "recoveryCode": factor.recovery_codes[0] });
    ada.client.post(REAUTHENTICATE, code.clone()).await.ok(204);
    assert_eq!(app.mail_to(&ada.email).subject, "A recovery code was used");
    ada.client.get(EXPORT).await.ok(200);
    ada.client.post(REAUTHENTICATE, code).await.refused(403, "wrong-code");
}

#[tokio::test]
async fn password_or_mail_alone_does_not_make_the_session_recent() {
    let app = TestApp::new().await;
    let (ada, factor) = create(&app).await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let mailed = json!({ "code": app.code_mailed_to(&ada.email) });
    ada.client.post(REAUTHENTICATE, mailed).await.refused(403, "wrong-code");
    let password = json!({ "currentPassword": PASSWORD });
    ada.client.post(REAUTHENTICATE, password).await.refused(403, "second-factor-needed");
    let wrong = json!({ "currentPassword": "not the password" });
    ada.client.post(REAUTHENTICATE, wrong).await.refused(403, "wrong-password");
    let two = json!({ "currentPassword": PASSWORD, "recoveryCode": factor.recovery_codes[0] });
    ada.client.post(REAUTHENTICATE, two).await.refused(422, "password-or-code");
    ada.client.get(EXPORT).await.refused(401, "fresh-sign-in-needed");
}

#[tokio::test]
async fn wrong_codes_are_recorded_and_limited() {
    let app = TestApp::new().await;
    let (ada, factor) = create(&app).await;
    let wrong = json!({ "code": factor.app.wrong_code_at(app.clock.now()) });
    for _ in 0..10 {
        ada.client.post(REAUTHENTICATE, wrong.clone()).await.refused(403, "wrong-code");
    }
    ada.client.post(REAUTHENTICATE, wrong).await.refused(429, "too-many-attempts");
    let denied =
        "SELECT count(*) FROM audit_events WHERE action = 'session.reauthenticated' AND outcome = 'denied'
                  AND actor_id IS NULL AND session_id IS NOT NULL";
    assert_eq!(app.database.value::<i64>(denied).await, 10);
}

#[tokio::test]
async fn recovery_code_of_a_user_without_second_factor_is_wrong() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let factor = ada.add_authenticator().await;
    let code = json!({ "recoveryCode": factor.recovery_codes[0] });
    bob.client.post(REAUTHENTICATE, code).await.refused(403, "wrong-code");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM recovery_codes").await, 10);
}

#[tokio::test]
async fn current_password_counts_only_together_with_a_recent_sign_in() {
    let app = TestApp::new().await;
    let (ada, factor) = create(&app).await;
    let new = "an entirely different phrase";
    let change = json!({ "currentPassword": PASSWORD, "newPassword": new });
    let move_to = json!({ "newEmail": "countess@example.com", "currentPassword": PASSWORD });
    let proof = json!({ "currentPassword": PASSWORD });
    let answers = [
        ada.client.post("/v1/auth/change-password", change.clone()).await,
        ada.client.post("/v1/auth/change-email", move_to.clone()).await,
        ada.client.delete_with("/v1/auth/accounts/password", proof.clone()).await,
        ada.client.delete_with("/v1/auth/me", proof).await,
    ];
    for answer in answers {
        answer.refused(403, "second-factor-needed");
    }
    app.challenge(&ada.email).await;

    let code = json!({ "code": app.next_code(&factor.app) });
    ada.client.post(REAUTHENTICATE, code).await.ok(204);
    ada.client.post("/v1/auth/change-email", move_to).await.ok(202);
    // Without a session, the password and the mail are not enough.
    let token = app.token_mailed_to("countess@example.com");
    let confirm = json!({ "token": token, "currentPassword": PASSWORD });
    app.client().post("/v1/auth/confirm-email", confirm.clone()).await.refused(403, "second-factor-needed");
    ada.client.post("/v1/auth/confirm-email", confirm).await.ok(204);
    ada.client.post("/v1/auth/change-password", change).await.ok(204);
}

/// The page takes no second factor, so it must not accept in the name of the account.
#[tokio::test]
async fn page_of_an_invitation_refuses_a_password_without_the_second_factor() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    bob.add_authenticator().await;
    let invitation = ada.invite(&team, &bob.email, "member").await;
    let form = format!("email={}&password=correct+horse+battery+staple", bob.email.replace('@', "%40"));
    let client = app.client().with("sec-fetch-site", "same-origin");
    let client = client.with("content-type", "application/x-www-form-urlencoded");
    let path = format!("/account/invitation?token={}", invitation.token);
    client.post_bytes(&path, form).await.ok(403);
    bob.client.get(&team).await.refused(404, "organization-not-found");
    bob.accept(&invitation.token).await.ok(200);
}
