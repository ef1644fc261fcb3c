use harness::TestApp;
use serde_json::json;
use shared::domain::conversation::MessageStatus;

use super::{RESERVED, ask, create, finish};

#[tokio::test]
async fn admins_see_what_was_used_and_what_is_left() {
    let app = TestApp::with(&[("DEFAULT_PLAN", "free")]).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let (team, other) = (ada.create_organization("Engines").await, ada.create_organization("Other").await);
    ada.add(&team, &bob, "member").await;
    let usage = format!("{team}/usage");
    bob.client.get(&usage).await.refused(403, "role-needed");
    let reader = app.client().token(&ada.create_key(&team, &["usage:read"]).await.secret);
    let talker = app.client().token(&ada.create_key(&team, &["chat:write"]).await.secret);
    talker.get(&usage).await.refused(403, "scope-needed");

    let empty = reader.get(&usage).await.ok(200);
    assert_eq!(
        empty.body["data"],
        json!({
            "from": "2026-01-01", "to": "2026-01-02", "days": [],
            "budget": { "limit": 200_000, "used": 0, "reserved": 0, "resetsAt": "2026-02-01T00:00:00Z" },
        })
    );

    let path = create(&bob, &team, json!({})).await;
    let answer = ask(&app, &bob, &path).await;
    finish(&app, &path, answer, MessageStatus::Complete, "For 35 days.").await;
    ask(&app, &bob, &path).await;
    let elsewhere = create(&ada, &other, json!({})).await;
    ask(&app, &ada, &elsewhere).await;
    app.database
        .execute(
            "INSERT INTO usage_days (organization_id, day, kind, model, prompt_tokens, completion_tokens, estimated_tokens, cost_micros)
             SELECT id, day::date, 'embedding', 'e', 7, 0, 5, 3
             FROM organizations, unnest(ARRAY['2025-12-31', '2026-01-02', '2026-01-03']) AS day WHERE name = 'Engines'",
        )
        .await;

    let data = ada.client.get(&usage).await.ok(200).body["data"].clone();
    let chat = json!({
        "day": "2026-01-02", "kind": "chat", "model": "gpt-4.1-mini", "promptTokens": 10, "completionTokens": 20,
        "estimatedTokens": 0, "costMicros": 0,
    });
    let embedding = |day: &str| {
        json!({
            "day": day, "kind": "embedding", "model": "e", "promptTokens": 7, "completionTokens": 0,
            "estimatedTokens": 5, "costMicros": 3,
        })
    };
    assert_eq!(data["days"], json!([chat, embedding("2026-01-02")]));
    assert_eq!((&data["budget"]["used"], &data["budget"]["reserved"]), (&json!(30), &json!(RESERVED)));
    let year = ada.client.get(&format!("{usage}?from=2025-12-01&to=2025-12-31")).await.ok(200);
    assert_eq!(year.body["data"]["days"], json!([embedding("2025-12-31")]));
}

#[tokio::test]
async fn days_of_a_report_are_checked() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let usage = format!("{}/usage", ada.create_organization("Engines").await);
    for (query, parameter) in [
        ("from=2026-01-03", "from"),
        ("from=2025-10-01&to=2026-01-01", "from"),
        ("to=2026-1-1", "to"),
        ("to=2026-02-30", "to"),
        ("from=yesterday", "from"),
        ("since=2026-01-01", "since"),
    ] {
        let refused = ada.client.get(&format!("{usage}?{query}")).await;
        refused.refused(422, "invalid-query");
        assert_eq!(refused.text("/errors/0/parameter"), parameter, "{query}");
    }
    let whole = ada.client.get(&format!("{usage}?from=2025-10-01&to=2025-12-31")).await.ok(200);
    assert_eq!((whole.text("/data/from"), whole.text("/data/to")), ("2025-10-01", "2025-12-31"));
}
