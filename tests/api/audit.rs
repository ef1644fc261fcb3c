use harness::TestApp;
use serde_json::json;

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
    let complete = "SELECT bool_and(actor_id IS NOT NULL AND ip_address LIKE '10.%' AND length(request_id) = 36) FROM audit_events";
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
