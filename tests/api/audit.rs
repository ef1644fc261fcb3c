use harness::{PASSWORD, TestApp, Wire, function_settings};
use serde_json::{Value, json};

#[tokio::test]
async fn important_actions_leave_audit_events() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let phone = ada.sign_in_again().await;
    let wrong = json!({ "email": ada.email, "password": "not the password" });
    app.client().post("/v1/auth/login", wrong).await.refused(401, "wrong-credentials");
    ada.client.patch("/v1/auth/me", json!({ "name": "Countess" })).await.ok(200);
    ada.client.delete(&format!("/v1/auth/sessions/{}", phone.session)).await.ok(204);
    let change =
        json!({ "currentPassword": "correct horse battery staple", "newPassword": "another long phrase" });
    ada.client.post("/v1/auth/change-password", change).await.ok(204);
    ada.client.delete("/v1/auth/me").await.ok(204);

    let log: String = app
        .database
        .value("SELECT string_agg(action || ' ' || outcome, ', ' ORDER BY id) FROM audit_events")
        .await;
    assert_eq!(
        log,
        "user.registered success, session.created success, session.created success, session.created denied, \
         user.updated success, session.revoked success, user.password_changed success, organization.deleted success, user.deleted success"
    );
    let complete = "SELECT bool_and((actor_id IS NOT NULL) = (outcome = 'success') AND ip_address LIKE '10.%' AND length(request_id) = 36) FROM audit_events";
    assert!(app.database.value::<bool>(complete).await);
}

#[tokio::test]
async fn failed_action_leaves_no_success_event() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.client
        .with("if-match", "\"99\"")
        .patch("/v1/auth/me", json!({ "name": "Eve" }))
        .await
        .refused(412, "stale");
    let updates = "SELECT count(*) FROM audit_events WHERE action = 'user.updated'";
    assert_eq!(app.database.value::<i64>(updates).await, 0);
}

#[tokio::test]
async fn functions_cannot_change_or_delete_audit_events() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    for statement in
        ["UPDATE audit_events SET action = 'nothing'", "DELETE FROM audit_events", "TRUNCATE audit_events"]
    {
        let result = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("SET ROLE arches_app; {statement}")))
            .execute(app.database.pool())
            .await;
        let error = result.expect_err("no permission").into_database_error().expect("from the database");
        assert_eq!(error.code().as_deref(), Some("42501"), "{statement}");
    }
}

/// Denied events without an actor, as `action target session`, in order.
const REFUSED: &str = "
    SELECT coalesce(string_agg(action || ' ' || coalesce(target_id::text, 'nobody') || ' ' || coalesce(session_id::text, '-'),
                               ', ' ORDER BY id), '')
    FROM audit_events WHERE outcome = 'denied' AND actor_id IS NULL";

#[tokio::test]
async fn a_wrong_current_password_or_code_is_recorded_about_its_account() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let wrong = "not the password";
    let (client, session) = (&ada.client, &ada.session);
    let password = json!({ "currentPassword": wrong, "newPassword": "another long phrase" });
    client.post("/v1/auth/change-password", password).await.refused(403, "wrong-password");
    let address = json!({ "currentPassword": wrong, "newEmail": "countess@example.com" });
    client.post("/v1/auth/change-email", address).await.refused(403, "wrong-password");
    let proof = json!({ "currentPassword": wrong });
    client.delete_with("/v1/auth/accounts/password", proof.clone()).await.refused(403, "wrong-password");
    client.delete_with("/v1/auth/me", proof.clone()).await.refused(403, "wrong-password");
    client.post("/v1/auth/reauthenticate", proof).await.refused(403, "wrong-password");
    client.post("/v1/auth/reauthenticate", json!({ "code": "000000" })).await.refused(422, "invalid-code");
    let event = format!("session.reauthenticated {} {session}", ada.id);
    assert_eq!(app.database.value::<String>(REFUSED).await, vec![event; 6].join(", "));
}

#[tokio::test]
async fn a_refused_sign_in_is_recorded_about_its_account_and_without_an_actor() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let login = json!({ "email": ada.email, "password": "not the password" });
    app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let wrong = if app.code_mailed_to(&ada.email) == "000000" { "000001" } else { "000000" };
    for email in [&*ada.email, "nobody@example.com"] {
        let code = json!({ "email": email, "code": wrong });
        app.client().post("/v1/auth/magic-links/verify", code).await.refused(422, "invalid-code");
    }
    ada.refresh(&ada.refresh_token).await.ok(200);
    app.clock.advance(chrono::TimeDelta::seconds(11));
    ada.refresh(&ada.refresh_token).await.refused(401, "invalid-refresh-token");
    let (id, session) = (&ada.id, &ada.session);
    let expected = format!(
        "session.created {id} -, session.created {id} -, session.created nobody -, \
         session.refresh_token_reused {id} {session}"
    );
    assert_eq!(app.database.value::<String>(REFUSED).await, expected);
}

#[tokio::test]
async fn a_link_that_is_not_valid_any_more_is_recorded_once() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (email, id) = (&ada.email, &ada.id);
    let verification = json!({ "token": app.token_mailed_to(email) });
    app.client().post("/v1/auth/verify-email", verification.clone()).await.ok(200);
    let address = json!({ "currentPassword": PASSWORD, "newEmail": "countess@example.com" });
    ada.client.post("/v1/auth/change-email", address).await.ok(202);
    let confirmation = json!({ "token": app.token_mailed_to("countess@example.com") });
    app.client().post("/v1/auth/forgot-password", json!({ "email": email })).await.ok(202);
    let token = app.token_mailed_to(email);
    let reset = json!({ "token": token, "newPassword": "another long phrase" });
    app.client().post("/v1/auth/magic-links", json!({ "email": email })).await.ok(202);
    let magic = json!({ "token": app.token_mailed_to(email) });
    app.clock.advance(chrono::TimeDelta::hours(24));

    let unknown = json!({ "token": "A".repeat(43), "newPassword": "another long phrase" });
    app.client().post("/v1/auth/reset-password", unknown).await.refused(422, "invalid-token");
    for _ in 0..3 {
        for (path, body) in [
            ("verify-email", &verification),
            ("confirm-email", &confirmation),
            ("reset-password", &reset),
            ("magic-links/verify", &magic),
        ] {
            let answer = app.client().post(&format!("/v1/auth/{path}"), body.clone()).await;
            answer.refused(422, "invalid-token");
        }
    }

    let actions = ["user.email_verified", "user.email_changed", "user.password_reset", "session.created"];
    let expected: Vec<_> = actions.iter().map(|action| format!("{action} {id} -")).collect();
    assert_eq!(app.database.value::<String>(REFUSED).await, expected.join(", "));
}

#[tokio::test]
async fn a_valid_link_is_not_recorded_as_refused() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let link = json!({ "token": app.token_mailed_to(&ada.email) });
    let with_key = app.client().with("idempotency-key", "once");
    with_key
        .post("/v1/auth/magic-links/verify", json!({ "token": "B".repeat(43) }))
        .await
        .refused(422, "invalid-token");
    with_key.post("/v1/auth/magic-links/verify", link).await.ok(201);
    assert_eq!(app.database.value::<String>(REFUSED).await, "");
}

#[tokio::test]
async fn attempts_that_have_to_wait_are_not_recorded() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let wrong = json!({ "currentPassword": "not the password", "newPassword": "another long phrase" });
    for _ in 0..16 {
        ada.client.post("/v1/auth/change-password", wrong.clone()).await;
    }
    let guess = json!({ "email": ada.email, "code": "000000" });
    let stranger = app.client();
    for _ in 0..16 {
        stranger.post("/v1/auth/magic-links/verify", guess.clone()).await;
    }
    let recorded = app.database.value::<String>(REFUSED).await;
    assert_eq!(recorded.matches("session.reauthenticated").count(), 10);
    assert_eq!(recorded.matches("session.created").count(), 10);
}

#[tokio::test]
async fn wrong_codes_cost_the_same_round_trips_with_and_without_an_account() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let wrong = if app.code_mailed_to(&ada.email) == "000000" { "000001" } else { "000000" };
    let postgres = Wire::to(&function_settings(&app.database)["DATABASE_URL"]).await;
    let wired = app.second_instance_with(&[("DATABASE_URL", &*postgres.url)]);
    let mut counts = Vec::new();
    for email in ["first@example.com", &*ada.email, "nobody@example.com"] {
        postgres.reset();
        let code = json!({ "email": email, "code": wrong });
        wired.client().post("/v1/auth/magic-links/verify", code).await.refused(422, "invalid-code");
        counts.push(postgres.round_trips());
    }
    // The first one connects.
    assert_eq!(counts[1], counts[2], "{counts:?}");
}

#[tokio::test]
async fn roles_scopes_and_states_are_recorded_before_and_after_and_personal_data_by_name() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let root = app.administrator("Root").await;
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let member = format!("{team}/members/{}", bob.id);
    ada.client.patch(&member, json!({ "role": "admin" })).await.ok(200);
    ada.client.delete(&member).await.ok(204);
    let new = json!({ "name": "Nightly", "scopes": ["members:read"] });
    let key = ada.client.post(&format!("{team}/api-keys"), new).await.ok(201);
    let key = format!("{team}/api-keys/{}", key.text("/data/id"));
    let wider = json!({ "name": "Daily", "scopes": ["members:read", "members:write"] });
    ada.client.patch(&key, wider).await.ok(200);
    let profile = json!({ "name": "Canary", "billingEmail": "canary@example.com" });
    ada.client.patch(&team, profile).await.ok(200);
    let profile = json!({ "name": "Canary", "phone": "+442071838750" });
    bob.client.patch("/v1/auth/me", profile).await.ok(200);
    let user = format!("/v1/users/{}", bob.id);
    let because = json!({ "reason": "canary" });
    root.client.patch(&user, json!({ "name": "Canary", "systemAdministrator": true })).await.ok(200);
    root.client.patch(&user, json!({ "systemAdministrator": false })).await.ok(200);
    root.client.post(&format!("{user}/legal-hold"), because.clone()).await.ok(200);
    root.client.delete(&format!("{user}/legal-hold")).await.ok(200);
    root.client.post(&format!("{user}/suspend"), because).await.ok(200);
    root.client.post_nothing(&format!("{user}/restore")).await.ok(200);
    root.client.delete(&user).await.ok(204);

    let log = root.client.get("/v1/audit-events?sort=createdAt&limit=100").await.ok(200);
    let events = log.body["data"].as_array().expect("a list");
    let changed = events.iter().filter(|event| !event["changes"].is_null());
    let changed: Vec<(&str, Value)> =
        changed.map(|event| (event["action"].as_str().expect("a name"), event["changes"].clone())).collect();
    let state = |name: &str, to: bool| json!({ name: { "from": !to, "to": to } });
    assert_eq!(
        changed,
        [
            ("invitation.created", json!({ "role": { "to": "member" } })),
            ("invitation.accepted", json!({ "role": { "to": "member" } })),
            ("member.updated", json!({ "role": { "from": "member", "to": "admin" } })),
            ("member.removed", json!({ "role": { "from": "admin" } })),
            ("api_key.created", json!({ "scopes": { "to": ["members:read"] } })),
            (
                "api_key.updated",
                json!({ "name": {}, "scopes": { "from": ["members:read"], "to": ["members:read", "members:write"] } })
            ),
            ("organization.updated", json!({ "name": {}, "billingEmail": {} })),
            ("user.updated", json!({ "name": {}, "phone": {} })),
            ("user.appointed", json!({ "name": {}, "systemAdministrator": { "from": false, "to": true } })),
            ("user.dismissed", state("systemAdministrator", false)),
            ("user.legal_hold_placed", state("legalHold", true)),
            ("user.legal_hold_lifted", state("legalHold", false)),
            ("user.suspended", state("suspended", true)),
            ("user.restored", state("suspended", false)),
            ("user.deleted", state("deleted", true)),
        ]
    );
    let stored: String = app.database.value("SELECT string_agg(e::text, ' ') FROM audit_events e").await;
    assert!(!stored.to_lowercase().contains("canary") && !stored.contains("+44"), "{stored}");
}
