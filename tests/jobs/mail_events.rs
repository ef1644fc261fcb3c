//! `mail-events` stops mail to addresses that SES reports.

use harness::{TestApp, environment, runtime_api::Function};
use serde_json::{Value, json};

/// Before the tests' clock, at which stops are lifted.
const EARLY: &str = "2026-01-01T00:00:00Z";
const EARLIER: &str = "2025-12-31T00:00:00Z";
/// After it.
const LATER: &str = "2026-01-03T00:00:00Z";

fn bounce(kind: &str, address: &str, at: &str) -> Value {
    json!({
        "eventType": "Bounce", "mail": { "timestamp": at, "destination": [address] },
        "bounce": { "bounceType": kind, "timestamp": at, "bouncedRecipients": [{ "emailAddress": address }] }
    })
}

fn complaint(address: &str, at: &str) -> Value {
    json!({
        "eventType": "Complaint", "mail": { "timestamp": at, "destination": [address] },
        "complaint": { "timestamp": at, "complainedRecipients": [{ "emailAddress": address }] }
    })
}

async fn start(app: &TestApp) -> Function {
    Function::start("mail-events", environment(&app.database)).await
}

/// Delivers `event` to the function.
async fn deliver(function: &Function, event: &Value) {
    let message = json!({ "messageId": "the-message", "body": event.to_string() });
    let answer = function.invoke(json!({ "Records": [message] })).await.expect("a response");
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "{:#?}", function.log());
}

#[tokio::test]
async fn permanent_bounce_stops_mail_at_once_and_the_person_sees_it() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    let function = start(&app).await;
    let before = ada.client.get("/v1/auth/me").await.ok(200);
    let mails = app.mail_count(&ada.email);

    deliver(&function, &bounce("Permanent", &ada.email.to_uppercase(), EARLY)).await;

    let me = ada.client.get("/v1/auth/me").await.ok(200);
    let stopped = json!({ "status": "stopped", "reason": "bounce", "since": EARLY });
    assert_eq!(me.body["data"]["emailDelivery"], stopped, "the cached profile is invalidated");
    assert_ne!(me.header("etag"), before.header("etag"));
    let shown = root.client.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert_eq!(shown.body["data"]["emailDelivery"], stopped);
    let log = ada.client.get("/v1/auth/me/audit-events?action=user.mail_stopped").await.ok(200);
    assert_eq!(log.text("/data/0/requestId"), "the-message");
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    assert_eq!(app.mail_count(&ada.email), mails);
}

#[tokio::test]
async fn transient_bounce_stops_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let function = start(&app).await;
    for kind in ["Transient", "Undetermined"] {
        deliver(&function, &bounce(kind, &ada.email, EARLY)).await;
    }
    deliver(&function, &json!({ "eventType": "Delivery", "mail": {}, "delivery": {} })).await;
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM mail_suppressions").await, 0);
}

#[tokio::test]
async fn events_in_any_order_and_twice_end_in_the_same_state() {
    let app = TestApp::new().await;
    let function = start(&app).await;
    let address = "eve@example.com";
    let events = [bounce("Permanent", address, EARLIER), complaint(address, EARLY)];
    for order in [[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]] {
        app.database.execute("DELETE FROM mail_suppressions").await;
        for number in order {
            deliver(&function, &events[number]).await;
        }
        let state = "SELECT string_agg(address || ' ' || reason || ' ' || (lifted_at IS NULL), '; ') FROM mail_suppressions";
        let state: String = app.database.value(state).await;
        assert_eq!(state, "eve@example.com complaint true", "{order:?}");
    }
}

#[tokio::test]
async fn event_from_before_the_lift_changes_nothing_and_a_later_one_stops_mail_again() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    let function = start(&app).await;
    let status = async || {
        let me = ada.client.get("/v1/auth/me").await.ok(200);
        (me.text("/data/emailDelivery/status").to_owned(), me.header("etag").to_owned())
    };
    deliver(&function, &complaint(&ada.email, EARLY)).await;
    assert_eq!(status().await.0, "stopped");
    root.client.delete(&format!("/v1/users/{}/mail-suppression", ada.id)).await.ok(200);
    let lifted = status().await;
    assert_eq!(lifted.0, "ok");

    deliver(&function, &complaint(&ada.email, EARLY)).await;
    deliver(&function, &bounce("Permanent", &ada.email, EARLIER)).await;
    assert_eq!(status().await, lifted, "SQS delivers an event twice, or late");

    deliver(&function, &bounce("Permanent", &ada.email, LATER)).await;
    assert_eq!(status().await.0, "stopped");
    let events = "SELECT count(*) FROM audit_events WHERE action LIKE 'user.mail_%'";
    assert_eq!(app.database.value::<i64>(events).await, 3);
}

#[tokio::test]
async fn sixteen_deliveries_at_once_are_one_change() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let functions = futures_util::future::join_all((0..4).map(|_| start(&app))).await;
    let event = bounce("Permanent", &ada.email, EARLY);
    futures_util::future::join_all((0..16).map(|n| deliver(&functions[n % 4], &event))).await;
    let events = "SELECT count(*) FROM audit_events WHERE action = 'user.mail_stopped'";
    assert_eq!(app.database.value::<i64>(events).await, 1);
}

#[tokio::test]
async fn erased_user_leaves_no_stop_behind() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    deliver(&start(&app).await, &complaint(&ada.email, EARLY)).await;
    root.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM mail_suppressions").await, 0);
}
