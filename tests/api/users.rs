use harness::{PASSWORD, TestApp};
use serde_json::json;

#[tokio::test]
async fn only_system_administrators_see_users() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    for path in ["/v1/users".to_owned(), format!("/v1/users/{}", ada.id), "/v1/audit-events".to_owned()] {
        ada.client.get(&path).await.refused(403, "administrator-needed");
        app.client().get(&path).await.refused(401, "unauthenticated");
        grace.client.get(&path).await.ok(200);
    }
    let denied = "SELECT count(*) FROM audit_events WHERE action = 'access.denied' AND outcome = 'denied'";
    assert_eq!(app.database.value::<i64>(denied).await, 3);
}

#[tokio::test]
async fn appointment_lasts_until_dismissal() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let path = format!("/v1/users/{}", ada.id);
    let appoint = |is_one: bool| json!({ "systemAdministrator": is_one });
    ada.client.patch(&path, appoint(true)).await.refused(403, "administrator-needed");
    grace.client.patch(&path, appoint(true)).await.ok(200);
    ada.client.get("/v1/users").await.ok(200);
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).body["data"]["systemAdministrator"], true);
    grace.client.patch(&path, appoint(false)).await.ok(200);
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).body["data"]["systemAdministrator"], false);
    ada.client.get("/v1/users").await.refused(403, "administrator-needed");
    let own = format!("/v1/users/{}", grace.id);
    grace.client.patch(&own, appoint(false)).await.refused(409, "own-account");
    grace.client.delete(&own).await.refused(409, "own-account");
    grace.client.post_nothing(&format!("{own}/erase")).await.refused(409, "own-account");
    grace.client.post(&format!("{own}/suspend"), json!({ "reason": "x" })).await.refused(409, "own-account");
}

#[tokio::test]
async fn suspension_takes_effect_at_once_and_lasts_until_restored() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Engines").await;
    ada.client.get("/v1/auth/me").await.ok(200);
    let path = format!("/v1/users/{}", ada.id);
    let suspended = grace.client.post(&format!("{path}/suspend"), json!({ "reason": "abuse" })).await.ok(200);
    assert_eq!(suspended.text("/data/suspendedReason"), "abuse");

    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    ada.client.get(&team).await.refused(401, "unauthenticated");
    ada.refresh(&ada.refresh_token).await.refused(401, "invalid-refresh-token");
    let right = json!({ "email": ada.email, "password": "correct horse battery staple" });
    app.client().post("/v1/auth/login", right).await.refused(401, "wrong-credentials");
    let again = json!({ "name": "Ada", "email": ada.email, "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", again).await.refused(409, "email-taken");

    grace.client.post_nothing(&format!("{path}/restore")).await.ok(200);
    ada.sign_in_again().await.client.get(&team).await.ok(200);
}

#[tokio::test]
async fn deleted_user_can_be_restored_unless_the_address_is_taken() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Engines").await;
    let path = format!("/v1/users/{}", ada.id);
    grace.client.with("if-match", "\"9\"").delete(&path).await.refused(412, "stale");
    grace.client.delete(&path).await.ok(204);
    grace.client.patch(&path, json!({ "name": "X" })).await.refused(409, "user-deleted");
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let shown = grace.client.get("/v1/users?status=deleted").await.ok(200);
    assert_eq!(shown.text("/data/0/id"), ada.id);

    grace.client.post_nothing(&format!("{path}/restore")).await.ok(200);
    ada.sign_in_again().await.client.get(&team).await.ok(200);

    grace.client.delete(&path).await.ok(204);
    let taker = json!({ "name": "Eve", "email": ada.email, "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", taker).await.ok(201);
    grace.client.post_nothing(&format!("{path}/restore")).await.refused(409, "email-taken");
}

#[tokio::test]
async fn restoring_a_deleted_user_keeps_suspension_and_legal_hold() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Engines").await;
    let path = format!("/v1/users/{}", ada.id);
    let because = json!({ "reason": "abuse" });
    grace.client.post(&format!("{path}/suspend"), because.clone()).await.ok(200);
    grace.client.post(&format!("{path}/legal-hold"), because).await.ok(200);
    grace.client.delete(&path).await.ok(204);
    let restore = async || grace.client.post_nothing(&format!("{path}/restore")).await.ok(200);

    let undeleted = restore().await;
    assert!(undeleted.body["data"]["deletedAt"].is_null());
    assert_eq!(undeleted.text("/data/suspendedReason"), "abuse");
    assert_eq!(undeleted.text("/data/legalHoldReason"), "abuse");
    let right = json!({ "email": ada.email, "password": PASSWORD });
    app.client().post("/v1/auth/login", right).await.refused(401, "wrong-credentials");
    let repeated = grace.client.with("if-match", "\"1\"").post_nothing(&format!("{path}/restore")).await;
    repeated.refused(412, "stale");

    let lifted = restore().await;
    assert!(lifted.body["data"]["suspendedAt"].is_null());
    assert_eq!(lifted.text("/data/legalHoldReason"), "abuse");
    ada.sign_in_again().await.client.get(&team).await.ok(200);
    let unchanged = restore().await;
    assert_eq!(unchanged.header("etag"), lifted.header("etag"), "there is nothing to restore");
    let log = grace.client.get("/v1/audit-events?action=user.restored").await.ok(200);
    assert_eq!(log.body["data"].as_array().map(Vec::len), Some(2));
    let log = grace.client.get("/v1/audit-events?action=organization.restored").await.ok(200);
    let id = log.text("/data/0/organizationId").to_owned();
    assert_eq!((log.body["data"].as_array().map(Vec::len), log.text("/data/0/targetId")), (Some(2), &*id));
}

#[tokio::test]
async fn administrator_ends_all_sessions_of_a_user() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let phone = ada.sign_in_again().await;
    for client in [&ada.client, &phone.client] {
        client.get("/v1/auth/me").await.ok(200);
    }
    grace.client.delete(&format!("/v1/users/{}/sessions", ada.id)).await.ok(204);
    for client in [&ada.client, &phone.client] {
        client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
    ada.sign_in_again().await;
}

#[tokio::test]
async fn users_are_filtered_by_address_and_status_only() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let found = async |query: &str| {
        let page = grace.client.get(&format!("/v1/users?{query}")).await.ok(200);
        page.body["data"].as_array().map(Vec::len)
    };
    assert_eq!(found(&format!("email={}", ada.email.to_uppercase())).await, Some(1));
    assert_eq!(found("email=nobody@example.com").await, Some(0));
    assert_eq!((found("status=active").await, found("status=suspended").await), (Some(2), Some(0)));
    for query in ["name=Ada", "status=odd", "sort=email", "limit=1000"] {
        grace.client.get(&format!("/v1/users?{query}")).await.refused(422, "invalid-query");
    }
    grace.client.get("/v1/users/019b7c7f-0000-7000-8000-000000000000").await.refused(404, "user-not-found");
}

#[tokio::test]
async fn one_of_two_administrators_dismissing_each_other_stays() {
    let app = TestApp::with(&[("DB_POOL_MAX", "8"), ("DB_CONNECTION_TIMEOUT", "10000")]).await;
    let (grace, root) = (app.administrator("Grace").await, app.administrator("Root").await);
    for _ in 0..8 {
        app.database.execute("UPDATE users SET system_administrator = true").await;
        let dismiss = json!({ "systemAdministrator": false });
        let (roots, graces) = (format!("/v1/users/{}", root.id), format!("/v1/users/{}", grace.id));
        let (first, second) =
            tokio::join!(grace.client.patch(&roots, dismiss.clone()), root.client.patch(&graces, dismiss));
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "{first:?} {second:?}");
    }
}
