//! The pages of administrators of the system.

use chrono::TimeDelta;
use harness::{PASSWORD, Person, TestApp};
use serde_json::{Value, json};

use crate::site::Site;

/// Creates an administrator with a verified address: no page asks for a proof of it.
async fn administrator(app: &TestApp) -> Person<'_> {
    let grace = app.administrator("Grace").await;
    grace.verify_address().await;
    grace
}

/// Somebody who signs in in a story.
fn person(person: &Person<'_>, name: &str) -> Value {
    json!({ "email": person.email, "password": PASSWORD, "id": person.id, "name": name })
}

fn user(person: &Person<'_>, name: &str) -> Value {
    json!({ "id": person.id, "email": person.email, "name": name })
}

fn listed(person: &Person<'_>, name: &str, states: &[&str]) -> Value {
    json!({ "id": person.id, "email": person.email, "name": name, "states": states })
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_finds_users_by_state_and_address() {
    let site = Site::with_console().await;
    let app = &site.app;
    let grace = administrator(app).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.person("Bob").await);
    let (cy, dora) = (app.person("Cy").await, app.person("Dora").await);
    let because = json!({ "reason": "A test" });
    grace.client.post(&format!("/v1/users/{}/suspend", bob.id), because.clone()).await.ok(200);
    grace.client.post(&format!("/v1/users/{}/legal-hold", cy.id), because).await.ok(200);
    app.stop_mail(&cy.email, "complaint").await;
    grace.client.delete(&format!("/v1/users/{}", dora.id)).await.ok(204);
    let people = [
        listed(&grace, "Grace", &["Active", "Administrator"]),
        listed(&ada, "Ada", &["Active"]),
        listed(&bob, "Bob", &["Suspended", "Address not confirmed"]),
        listed(&cy, "Cy", &["Active", "Legal hold", "Mail stopped"]),
        listed(&dora, "Dora", &["Deleted"]),
    ];
    site.tell(
        "console/administration-users",
        &json!({ "person": person(&grace, "Grace"), "people": people }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_changes_suspends_recovers_and_erases_an_account() {
    let site = Site::with_console().await;
    let app = &site.app;
    let grace = administrator(app).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.person("Bob").await);
    let given = json!({ "person": person(&grace, "Grace"), "user": user(&ada, "Ada"), "taken": bob.email });
    site.tell("console/administration-user", &given).await;
    let erased = grace.client.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert!(erased.body["data"]["erasedAt"].is_string(), "{erased:?}");
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_lets_mail_be_sent_again_and_cannot_harm_themselves() {
    let site = Site::with_console().await;
    let app = &site.app;
    let grace = administrator(app).await;
    let ada = app.person("Ada").await;
    app.stop_mail(&ada.email, "bounce").await;
    let given = json!({ "person": person(&grace, "Grace"), "user": user(&ada, "Ada") });
    site.tell("console/administration-mail", &given).await;
    let resumed = grace.client.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert_eq!(resumed.text("/data/emailDelivery/status"), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_confirms_who_they_are_before_they_end_sessions() {
    let site = Site::with_console().await;
    let app = &site.app;
    let grace = administrator(app).await;
    // A proof counts for ten minutes.
    app.clock.advance(TimeDelta::minutes(11));
    let ada = app.person("Ada").await;
    let given = json!({
        "person": person(&grace, "Grace"),
        "refreshToken": grace.refresh_token,
        "user": user(&ada, "Ada"),
    });
    site.tell("console/administration-fresh", &given).await;
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_administrators_say_to_others_that_they_are_not_for_them() {
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let given = json!({ "person": person(&ada, "Ada"), "user": user(&bob, "Bob") });
    site.tell("console/administration-others", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_reads_the_audit_log_in_words() {
    let site = Site::with_console().await;
    let app = &site.app;
    let grace = administrator(app).await;
    let ada = app.person("Ada").await;
    let path = format!("/v1/users/{}", ada.id);
    // More than one page.
    for phone in 0..30 {
        let change = json!({ "phone": format!("+4420718387{phone:02}") });
        grace.client.patch(&path, change).await.ok(200);
    }
    let wrong = json!({ "email": ada.email, "password": "not the password" });
    app.client().post("/v1/auth/login", wrong).await.refused(401, "wrong-credentials");
    let reason = "A reason that is in no event";
    grace.client.post(&format!("{path}/suspend"), json!({ "reason": reason })).await.ok(200);
    let given = json!({ "person": person(&grace, "Grace"), "user": user(&ada, "Ada"), "reason": reason });
    site.tell("console/administration-audit", &given).await;
}
