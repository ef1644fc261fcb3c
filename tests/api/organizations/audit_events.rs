use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn audit_log_is_filtered_by_actor_target_action_and_time() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "admin").await;
    app.clock.advance(chrono::TimeDelta::minutes(5));
    bob.client.patch(&team, json!({ "name": "Ours" })).await.ok(200);
    let found = async |query: &str| {
        let log = ada.client.get(&format!("{team}/audit-events?sort=createdAt&{query}")).await.ok(200);
        let events = log.body["data"].as_array().expect("a list").clone();
        events.iter().map(|event| event["action"].as_str().expect("an action").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        found("").await,
        ["organization.created", "invitation.created", "invitation.accepted", "organization.updated"]
    );
    assert_eq!(found(&format!("actorId={}", bob.id)).await, ["invitation.accepted", "organization.updated"]);
    let id = team.rsplit('/').next().expect("an id");
    assert_eq!(found(&format!("targetId={id}")).await, ["organization.created", "organization.updated"]);
    assert_eq!(found(&format!("targetId={id}&actorId={}", bob.id)).await, ["organization.updated"]);
    assert_eq!(found("action=invitation.created").await, ["invitation.created"]);
    assert_eq!(found("since=2026-01-02T03:09:05Z").await, ["organization.updated"]);
    assert_eq!(found("until=2026-01-02T03:09:05Z").await.len(), 3);
    for query in ["actorId=x", "targetId=x", "since=yesterday", "organizationId=1", "outcome=denied"] {
        ada.client.get(&format!("{team}/audit-events?{query}")).await.refused(422, "invalid-query");
    }
}
