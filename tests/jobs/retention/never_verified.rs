use chrono::TimeDelta;
use harness::{PASSWORD, TestApp};
use serde_json::json;

use super::{clean, counts, dry_run, text};

const PERIOD: TimeDelta = TimeDelta::days(30);

/// Returns the names of the users who are not erased.
async fn names(app: &TestApp) -> String {
    text(app, "SELECT string_agg(name, ', ' ORDER BY name) FROM users WHERE erased_at IS NULL").await
}

#[tokio::test]
async fn account_with_a_never_verified_address_is_removed_after_exactly_30_days() {
    let app = TestApp::new().await;
    let (eve, ada) = (app.person("Canary").await, app.verified_person("Ada").await);
    eve.create_organization("Canary Engines").await;
    app.database.execute("UPDATE users SET email_verified_at = NULL WHERE name = 'Canary'").await;
    app.clock.advance(TimeDelta::seconds(1));
    app.person("Late").await;
    app.clock.advance(PERIOD - TimeDelta::seconds(2));
    eve.sign_in_again().await.client.get("/v1/auth/me").await.ok(200);
    assert_eq!(counts(&clean(&app).await, "never_verified_users"), (0, 0));

    app.clock.advance(TimeDelta::seconds(1));
    let recent = eve.sign_in_again().await;
    assert_eq!(counts(&dry_run(&app).await, "never_verified_users"), (1, 0));
    let report = clean(&app).await;

    assert_eq!((counts(&report, "never_verified_users"), counts(&report, "users")), ((1, 0), (0, 0)));
    assert!(report.complete);
    assert_eq!(names(&app).await, "Ada, Late");
    recent.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let rows = harness::all_rows(&app).await;
    assert!(!rows.to_lowercase().contains("canary"), "{rows}");
    let own = format!(
        "SELECT (SELECT count(*) FROM sessions WHERE user_id = '{0}') || ' ' ||
                (SELECT count(*) FROM members WHERE user_id = '{0}') || ' ' ||
                (SELECT count(*) FROM organizations WHERE personal_to = '{0}')",
        eve.id
    );
    assert_eq!(text(&app, &own).await, "0 0 0");
    let login = json!({ "email": eve.email, "password": PASSWORD });
    app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
    let again = json!({ "name": "Eve", "email": eve.email, "password": PASSWORD });
    app.client().post("/v1/auth/register", again).await.ok(201);
    ada.sign_in_again().await;
}

#[tokio::test]
async fn verified_held_and_administrating_users_are_not_removed() {
    let app = TestApp::new().await;
    let held = app.person("Held").await;
    app.verified_person("Verified").await;
    let grace = app.administrator("Grace").await;
    let suspended = app.person("Suspended").await;
    let because = json!({ "reason": "case 12/34" });
    grace.client.post(&format!("/v1/users/{}/legal-hold", held.id), because.clone()).await.ok(200);
    grace.client.post(&format!("/v1/users/{}/suspend", suspended.id), because).await.ok(200);
    app.clock.advance(PERIOD);
    let report = clean(&app).await;
    assert_eq!((counts(&report, "never_verified_users"), report.complete), ((1, 1), true));
    assert_eq!(names(&app).await, "Grace, Held, Verified");
    app.database.execute("UPDATE users SET legal_hold_at = NULL, legal_hold_reason = NULL").await;
    assert_eq!(counts(&clean(&app).await, "never_verified_users"), (1, 0));
}

#[tokio::test]
async fn restored_user_has_30_more_days_to_verify_the_address() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let user = format!("/v1/users/{}", ada.id);
    app.clock.advance(TimeDelta::days(20));
    let grace = grace.sign_in_again().await;
    grace.client.delete(&user).await.ok(204);
    app.clock.advance(TimeDelta::days(20));
    assert_eq!(counts(&clean(&app).await, "never_verified_users"), (0, 0), "it can be restored");
    let grace = grace.sign_in_again().await;
    grace.client.post_nothing(&format!("{user}/restore")).await.ok(200);
    app.clock.advance(PERIOD - TimeDelta::seconds(1));
    assert_eq!(counts(&clean(&app).await, "never_verified_users"), (0, 0));
    assert_eq!(names(&app).await, "Ada, Grace");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(counts(&clean(&app).await, "never_verified_users"), (1, 0));
}
