use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn organization_audit_log_has_every_event_in_order() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let team = ada.create_organization("Analytical Engines").await;

    let invitation = json!({ "email": "bob@example.com", "role": "admin" });
    ada.client.post(&format!("{team}/invitations"), invitation).await.ok(201);
    let invited = json!({ "token": app.token_mailed_to("bob@example.com") });
    let register = json!({ "name": "Bob", "email": "bob@example.com", "password": "a long enough phrase" });
    let bob = app.client().post("/v1/auth/register", register).await.ok(201);
    let (bob_id, bob) =
        (bob.text("/data/user/id").to_owned(), app.client().token(bob.text("/data/accessToken")));
    bob.post("/v1/invitations/accept", invited.clone()).await.refused(403, "wrong-address");
    bob.post("/v1/auth/verify-email", json!({ "token": app.token_mailed_to("bob@example.com") }))
        .await
        .ok(200);
    bob.post("/v1/invitations/accept", invited).await.ok(200);

    let key = json!({ "name": "Nightly", "scopes": ["organization:read", "members:read"] });
    let key = bob.post(&format!("{team}/api-keys"), key).await.ok(201);
    let program = app.client().token(key.text("/data/key"));
    let members = program.get(&format!("{team}/members")).await.ok(200);
    assert_eq!(members.body["data"].as_array().map(Vec::len), Some(2));
    program.patch(&team, json!({ "name": "Program" })).await.refused(403, "scope-needed");

    let bob_member = format!("{team}/members/{bob_id}");
    ada.client.patch(&bob_member, json!({ "role": "member" })).await.ok(200);
    bob.get(&format!("{team}/api-keys")).await.refused(403, "role-needed");
    bob.delete(&bob_member).await.ok(204);
    bob.get(&team).await.refused(404, "organization-not-found");
    program.get(&team).await.ok(200);

    let log = ada.client.get(&format!("{team}/audit-events?sort=createdAt")).await.ok(200);
    let story: Vec<_> = log.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| {
            let who = match (event["actorId"].as_str(), event["apiKeyId"].as_str()) {
                (Some(id), None) if id == ada.id => "Ada",
                (Some(id), None) if id == bob_id => "Bob",
                (None, Some(id)) if id == key.text("/data/id") => "key",
                _ => "?",
            };
            format!(
                "{who} {} {}",
                event["action"].as_str().unwrap_or("?"),
                event["outcome"].as_str().unwrap_or("?")
            )
        })
        .collect();
    assert_eq!(
        story,
        [
            "Ada organization.created success",
            "Ada invitation.created success",
            "Bob invitation.accepted success",
            "Bob api_key.created success",
            "key access.denied denied",
            "Ada member.updated success",
            "Bob access.denied denied",
            "Bob member.removed success",
        ]
    );
}
