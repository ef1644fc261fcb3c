use harness::TestApp;

use super::CODES;

#[tokio::test]
async fn each_recovery_code_signs_in_once_and_is_mailed() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    for (n, code) in factor.recovery_codes.iter().take(2).enumerate() {
        // As a person types it.
        let typed = if n == 0 { code.clone() } else { code.to_lowercase().replace('-', " ") };
        let token = app.challenge(&ada.email).await;
        let signed_in = app.client().answer_challenge(&token, "recoveryCode", &typed).await.ok(201);
        assert_eq!(signed_in.text("/data/user/id"), ada.id);
        // Another mail is about the new device.
        let mail = app.mails().into_iter().rfind(|mail| mail.subject == "A recovery code was used");
        let mail = mail.expect("a mail");
        assert_eq!(mail.to.as_ref(), ada.email);
        assert!(mail.text.contains(&format!("left: {}", 9 - n)), "{}", mail.text);
        let again = app.challenge(&ada.email).await;
        app.client().answer_challenge(&again, "recoveryCode", code).await.refused(401, "wrong-code");
    }
    assert_eq!(ada.client.get(CODES).await.ok(200).body["data"]["left"], 8);
    let events =
        "SELECT count(*) FROM audit_events WHERE action = 'user.recovery_code_used' AND outcome = 'success'";
    assert_eq!(app.database.value::<i64>(events).await, 2);
    // The app still works.
    ada.sign_in_with(&factor.app).await;
}

#[tokio::test]
async fn new_recovery_codes_end_the_old_ones() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    ada.client.post_nothing(CODES).await.refused(404, "second-factor-not-found");
    let factor = ada.add_authenticator().await;
    let made = ada.client.post_nothing(CODES).await.ok(201);
    let new = harness::recovery_codes(&made);
    assert_eq!(app.mail_to(&ada.email).subject, "You have new recovery codes");
    let token = app.challenge(&ada.email).await;
    let old = &factor.recovery_codes[0];
    app.client().answer_challenge(&token, "recoveryCode", old).await.refused(401, "wrong-code");
    app.client().answer_challenge(&token, "recoveryCode", &new[0]).await.ok(201);
}

#[tokio::test]
async fn challenge_offers_recovery_codes_only_while_there_are_some() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    ada.add_authenticator().await;
    app.database.execute("DELETE FROM recovery_codes").await;
    let login = serde_json::json!({ "email": ada.email, "password": harness::PASSWORD });
    let first = app.client().post(super::LOGIN, login).await.ok(200);
    assert_eq!(first.body["data"]["challenge"]["methods"], serde_json::json!(["totp"]));
}
