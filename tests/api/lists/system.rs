use chrono::TimeDelta;
use harness::{Person, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_complete, id, last_deletable};

type Fits<'a> = &'a dyn Fn(&Value) -> bool;

#[tokio::test]
async fn audit_event_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let (ada, bob, root) =
        (app.person("Ada").await, app.person("Bob").await, app.administrator("Root").await);
    bob.verify_address().await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "admin").await;
    let rename = async |person: &Person<'_>| {
        app.clock.advance(TimeDelta::seconds(1));
        person.client.patch(&path, json!({ "name": "Machines" })).await.ok(200);
        person.client.patch("/v1/auth/me", json!({ "name": "Renamed" })).await.ok(200);
    };
    for _ in 0..3 {
        rename(&ada).await;
        rename(&bob).await;
    }
    let by_bob = format!("&actorId={}", bob.id);
    let (since, until) = ("2026-01-02T03:04:08Z", "2026-01-02T03:04:10Z");
    let at = |row: &Value| row["occurredAt"].as_str().expect("a time").to_owned();
    let about_team = format!("&targetId={}", path.rsplit('/').next().expect("an id"));
    let filters: [(String, Fits<'_>); 6] = [
        (String::new(), &|_| true),
        (by_bob.clone(), &|row| row["actorId"] == bob.id.as_str()),
        ("&action=organization.updated".to_owned(), &|row| row["action"] == "organization.updated"),
        (format!("&since={since}&until={until}"), &|row| {
            at(row).as_str() >= since && at(row).as_str() < until
        }),
        (format!("{by_bob}&since={since}"), &|row| {
            row["actorId"] == bob.id.as_str() && at(row).as_str() >= since
        }),
        (about_team.clone(), &|row| about_team.ends_with(row["targetId"].as_str().expect("an id"))),
    ];
    for (client, log) in
        [(&ada.client, format!("{path}/audit-events")), (&root.client, "/v1/audit-events".to_owned())]
    {
        for (filter, fits) in &filters {
            let mut changes = 0;
            assert_complete(client, &log, filter, fits, async |seen| {
                if let Some(last) = seen.last().filter(|_| changes == 1) {
                    sqlx::query("DELETE FROM audit_events WHERE id = $1::uuid")
                        .bind(id(last))
                        .execute(app.database.pool())
                        .await
                        .expect("a deletion");
                }
                rename(if changes % 2 == 0 { &ada } else { &bob }).await;
                changes += 1;
            })
            .await;
        }
    }
}

#[tokio::test]
async fn own_audit_event_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let (ada, root) = (app.person("Ada").await, app.administrator("Root").await);
    let user = format!("/v1/users/{}", ada.id);
    let change = async || {
        app.clock.advance(TimeDelta::seconds(1));
        ada.sign_in_again().await;
        ada.client.patch("/v1/auth/me", json!({ "name": "Renamed" })).await.ok(200);
        root.client.patch(&user, json!({ "name": "Ada" })).await.ok(200);
    };
    for _ in 0..3 {
        change().await;
    }
    let filters: [(&str, Fits<'_>); 3] = [
        ("", &|row| row["actorId"] == ada.id.as_str() || row["targetId"] == ada.id.as_str()),
        ("&action=user.updated", &|row| row["action"] == "user.updated"),
        ("&since=2026-01-02T03:04:07Z", &|row| {
            row["occurredAt"].as_str().expect("a time") >= "2026-01-02T03:04:07Z"
        }),
    ];
    for (filter, fits) in filters {
        assert_complete(&ada.client, "/v1/auth/me/audit-events", filter, fits, async |_| change().await)
            .await;
    }
}

#[tokio::test]
async fn user_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let root = app.administrator("Root").await;
    let insert_user = async |name: &str, standing: &str| {
        let statement = "
            INSERT INTO users (id, name, email, created_at, updated_at, suspended_at, suspended_reason, deleted_at, erased_at)
            SELECT $1, $2, $1::text || '@example.com', t, t, CASE WHEN $3 = 'suspended' THEN t END,
                   CASE WHEN $3 = 'suspended' THEN 'test' END, CASE WHEN $3 IN ('deleted', 'erased') THEN t END,
                   CASE WHEN $3 = 'erased' THEN t END
            FROM (SELECT $4::timestamptz) AS now (t)";
        sqlx::query(statement)
            .bind(Uuid::now_v7())
            .bind(name)
            .bind(standing)
            .bind(app.state.app.clock.now())
            .execute(app.database.pool())
            .await
            .expect("a user");
    };
    let statuses = ["active", "suspended", "deleted", "erased"];
    for n in 0..6 {
        for standing in statuses {
            insert_user(if n % 2 == 0 { "Stays" } else { "Goes" }, standing).await;
        }
    }
    for status in ["", "active", "suspended", "deleted", "erased"] {
        let filter = if status.is_empty() { String::new() } else { format!("&status={status}") };
        let fits = |row: &Value| {
            let standing = match row {
                row if !row["erasedAt"].is_null() => "erased",
                row if !row["deletedAt"].is_null() => "deleted",
                row if !row["suspendedAt"].is_null() => "suspended",
                _ => "active",
            };
            status.is_empty() || status == standing
        };
        assert_complete(&root.client, "/v1/users", &filter, fits, async |seen| {
            let living: Vec<_> = seen.iter().filter(|row| row["erasedAt"].is_null()).cloned().collect();
            if let Some(gone) = last_deletable(&living, "name") {
                root.client.post_nothing(&format!("/v1/users/{gone}/erase")).await.ok(200);
            }
            for standing in statuses {
                insert_user("Goes", standing).await;
            }
        })
        .await;
    }
    // An address can have one active user and any number of deleted ones.
    app.database.execute("UPDATE users SET email = 'Once@example.com' WHERE deleted_at IS NOT NULL").await;
    let fits = |row: &Value| row["email"] == "Once@example.com";
    assert_complete(&root.client, "/v1/users", "&email=once@EXAMPLE.com", fits, async |_| {
        insert_user("Goes", "active").await;
    })
    .await;
}
