use harness::{Person, TestApp};
use serde_json::{Value, json};

const OWN: &str = "/v1/auth/me/audit-events";

async fn events(person: &Person<'_>, query: &str) -> Vec<Value> {
    let page = person.client.get(&format!("{OWN}?limit=100&sort=createdAt&{query}")).await.ok(200);
    page.body["data"].as_array().expect("a list").clone()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["action"].as_str().expect("an action")).collect()
}

#[tokio::test]
async fn a_person_sees_events_that_they_caused_or_that_are_about_them_and_no_others() {
    let app = TestApp::new().await;
    let (ada, bob, root) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.administrator("Root").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    ada.client.patch(&format!("{team}/members/{}", bob.id), json!({ "role": "admin" })).await.ok(200);
    root.client.patch(&format!("/v1/users/{}", bob.id), json!({ "name": "Robert" })).await.ok(200);
    let wrong = json!({ "email": bob.email, "password": "not the password" });
    app.client().post("/v1/auth/login", wrong).await.refused(401, "wrong-credentials");

    let seen = events(&bob, "").await;

    assert_eq!(
        actions(&seen),
        [
            "user.registered",
            "session.created",
            "user.email_verified",
            "invitation.accepted",
            "member.updated",
            "user.updated",
            "session.created",
        ]
    );
    assert_eq!(seen[4]["changes"], json!({ "role": { "from": "member", "to": "admin" } }));
    let joined = actions(&events(&bob, "action=invitation.accepted").await).len();
    assert_eq!(joined, 1);
    assert!(events(&bob, "until=2026-01-02T03:04:05Z").await.is_empty());
    assert_eq!(events(&bob, "since=2026-01-02T03:04:05Z").await, seen);
}

#[tokio::test]
async fn a_person_does_not_see_who_else_caused_an_event_nor_from_where() {
    let app = TestApp::new().await;
    let (ada, bob, root) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.administrator("Root").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let key = ada.create_key(&team, &["members:write"]).await;
    app.client().token(&key.secret).delete(&format!("{team}/members/{}", bob.id)).await.ok(204);
    root.client.delete(&format!("/v1/users/{}/sessions", bob.id)).await.ok(204);
    let bob = bob.sign_in_again().await;
    let wrong = json!({ "email": bob.email, "password": "not the password" });
    app.client().post("/v1/auth/login", wrong).await.refused(401, "wrong-credentials");
    let wrong = json!({ "currentPassword": "not the password", "newPassword": "another long phrase" });
    bob.client.post("/v1/auth/change-password", wrong).await.refused(403, "wrong-password");

    let seen = events(&bob, "").await;

    let (own, others): (Vec<_>, Vec<_>) = seen.iter().partition(|event| event["actorId"] == bob.id.as_str());
    assert!(own.iter().all(|event| event["ipAddress"].is_string()), "{own:#?}");
    let others: Vec<_> = others.into_iter().cloned().collect();
    assert_eq!(
        actions(&others),
        ["member.removed", "session.revoked", "session.created", "session.reauthenticated"]
    );
    for event in &others {
        for member in ["actorId", "apiKeyId", "ipAddress"] {
            assert!(event[member].is_null(), "{member}: {event:#}");
        }
    }
    // The last one was sent in a session of the person, who may want to end it.
    let sessions: Vec<_> = others.iter().map(|event| event["sessionId"].as_str()).collect();
    assert_eq!(sessions, [None, None, None, Some(&*bob.session)]);
    let text = Value::from(seen).to_string();
    for secret in [&ada.id, &ada.session, &root.id, &root.session, &key.id] {
        assert!(!text.contains(&**secret), "{secret} is in {text}");
    }
    let whole = root.client.get(&format!("/v1/audit-events?targetId={}", bob.id)).await.ok(200);
    let denied =
        whole.body["data"].as_array().expect("a list").iter().filter(|event| event["outcome"] == "denied");
    assert!(denied.clone().all(|event| event["ipAddress"].is_string()) && denied.count() == 2);
}

#[tokio::test]
async fn own_events_cannot_be_filtered_by_what_is_not_shown() {
    let app = TestApp::new().await;
    let (ada, root) = (app.person("Ada").await, app.administrator("Root").await);
    root.client.patch(&format!("/v1/users/{}", ada.id), json!({ "name": "Countess" })).await.ok(200);
    for query in [format!("actorId={}", root.id), format!("targetId={}", ada.id), "action=x".to_owned()] {
        ada.client.get(&format!("{OWN}?{query}")).await.refused(422, "invalid-query");
    }
    app.client().get(OWN).await.refused(401, "unauthenticated");
}
