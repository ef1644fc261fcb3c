use chrono::TimeDelta;
use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn invitation_is_valid_only_for_its_verified_address() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.person("Ada").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    let bob = app.person("Bob").await;
    let verification = json!({ "token": app.token_mailed_to(&bob.email) });
    let invitation = json!({ "email": bob.email.to_uppercase(), "role": "member" });
    let made = ada.client.post(&format!("{team}/invitations"), invitation).await.ok(201);
    assert_eq!(made.text("/data/status"), "pending");
    assert!(!made.body.to_string().contains("token"), "the token is only in the mail");
    let token = json!({ "token": app.token_mailed_to(&bob.email.to_uppercase()) });

    eve.client.post("/v1/invitations/accept", token.clone()).await.refused(403, "wrong-address");
    eve.client.post("/v1/invitations/decline", token.clone()).await.refused(403, "wrong-address");
    bob.client.post("/v1/invitations/accept", token.clone()).await.refused(403, "wrong-address");
    app.client().post("/v1/invitations/accept", token.clone()).await.refused(401, "unauthenticated");
    bob.client.post("/v1/auth/verify-email", verification).await.ok(200);
    let joined = bob.client.post("/v1/invitations/accept", token.clone()).await.ok(200);

    assert_eq!(joined.text("/data/name"), "Engines");
    bob.client.post("/v1/invitations/accept", token).await.refused(422, "invalid-token");
    let shown = ada.client.get(&format!("{team}/invitations/{}", made.text("/data/id"))).await.ok(200);
    assert_eq!(shown.text("/data/status"), "accepted");
}

#[tokio::test]
async fn invitation_can_be_declined_revoked_or_expire() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    let invitations = format!("{team}/invitations");
    let invite = async || {
        let body = json!({ "email": bob.email, "role": "member" });
        let made = ada.client.post(&invitations, body).await.ok(201);
        let token = json!({ "token": app.token_mailed_to(&bob.email) });
        (format!("{invitations}/{}", made.text("/data/id")), token)
    };

    let (path, token) = invite().await;
    ada.client
        .post(&invitations, json!({ "email": bob.email, "role": "admin" }))
        .await
        .refused(409, "already-invited");
    bob.client.post("/v1/invitations/decline", token.clone()).await.ok(204);
    bob.client.post("/v1/invitations/accept", token).await.refused(422, "invalid-token");
    ada.client.delete(&path).await.refused(409, "invitation-ended");

    let (path, token) = invite().await;
    ada.client.with("if-match", "\"7\"").delete(&path).await.refused(412, "stale");
    ada.client.delete(&path).await.ok(204);
    bob.client.post("/v1/invitations/accept", token).await.refused(422, "invalid-token");

    let (path, token) = invite().await;
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    let (ada, bob) = (ada.sign_in_again().await, bob.sign_in_again().await);
    assert_eq!(ada.client.get(&path).await.ok(200).text("/data/status"), "pending");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(ada.client.get(&path).await.ok(200).text("/data/status"), "expired");
    bob.client.post("/v1/invitations/accept", token).await.refused(422, "invalid-token");
    let body = json!({ "email": bob.email, "role": "member" });
    ada.client.post(&invitations, body).await.ok(201);
    for (status, count) in [("pending", 1), ("declined", 1), ("revoked", 1), ("expired", 1), ("accepted", 0)]
    {
        let page = ada.client.get(&format!("{invitations}?status={status}")).await.ok(200);
        assert_eq!(page.body["data"].as_array().map(Vec::len), Some(count), "{status}");
    }
}

#[tokio::test]
async fn member_cannot_be_invited_and_a_deleted_organization_ends_invitations() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let again = json!({ "email": bob.email.to_uppercase(), "role": "member" });
    ada.client.post(&format!("{team}/invitations"), again).await.refused(409, "already-member");

    let other = ada.create_organization("Gone").await;
    let invitation = json!({ "email": bob.email, "role": "member" });
    ada.client.post(&format!("{other}/invitations"), invitation).await.ok(201);
    ada.client.delete(&other).await.ok(200);
    let token = json!({ "token": app.token_mailed_to(&bob.email) });
    bob.client.post("/v1/invitations/accept", token).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn invitation_mail_has_no_text_of_a_stranger() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Collect your prize").await;
    let invitation = json!({ "email": "bob@example.com", "role": "member" });
    ada.client.post(&format!("{team}/invitations"), invitation).await.ok(201);
    let mail = app.mail_to("bob@example.com");
    assert!(!mail.text.contains("prize") && !mail.html.contains("prize"), "{}", mail.text);
}

#[tokio::test]
async fn invitation_ends_with_the_role_of_its_sender() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "owner").await;
    let (friend, other) = (app.verified_person("Friend").await, app.verified_person("Other").await);
    let as_owner = bob.invite(&team, &friend.email, "owner").await;
    let as_member = bob.invite(&team, &other.email, "member").await;
    let member = format!("{team}/members/{}", bob.id);
    ada.client.patch(&member, json!({ "role": "admin" })).await.ok(200);
    friend.accept(&as_owner.token).await.refused(422, "invalid-token");
    ada.client.delete(&member).await.ok(204);
    other.accept(&as_member.token).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn invitations_to_an_address_are_limited() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let invitation = json!({ "email": "bob@example.com", "role": "member" });
    for _ in 0..10 {
        let team = ada.create_organization("Engines").await;
        ada.client.post(&format!("{team}/invitations"), invitation.clone()).await.ok(201);
    }
    let team = ada.create_organization("Engines").await;
    ada.client.post(&format!("{team}/invitations"), invitation).await.refused(429, "too-many-attempts");
}

#[tokio::test]
async fn invitation_by_an_api_key_ends_with_the_key_or_its_scope() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (bob, cy, eve) =
        (app.verified_person("Bob").await, app.verified_person("Cy").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    let (kept, revoked, narrowed) = (
        ada.create_key(&team, &["invitations:write"]).await,
        ada.create_key(&team, &["invitations:write"]).await,
        ada.create_key(&team, &["invitations:write"]).await,
    );
    for (key, person) in [(&kept, &bob), (&revoked, &cy), (&narrowed, &eve)] {
        let invitation = json!({ "email": person.email, "role": "member" });
        let client = app.client().with("x-api-key", &key.secret);
        client.post(&format!("{team}/invitations"), invitation).await.ok(201);
    }
    ada.client.delete(&format!("{team}/api-keys/{}", revoked.id)).await.ok(204);
    let scopes = json!({ "scopes": ["members:read"] });
    ada.client.patch(&format!("{team}/api-keys/{}", narrowed.id), scopes).await.ok(200);

    bob.accept(&app.token_mailed_to(&bob.email)).await.ok(200);
    cy.accept(&app.token_mailed_to(&cy.email)).await.refused(422, "invalid-token");
    eve.accept(&app.token_mailed_to(&eve.email)).await.refused(422, "invalid-token");
}
