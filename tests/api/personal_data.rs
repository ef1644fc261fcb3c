use std::collections::BTreeSet;

use harness::{CANARIES, TestApp, all_rows, create_canaries};
use serde_json::json;
use shared::{
    accounts::erasure_ledger::{Ledger, Outcome},
    aws::s3::Bucket,
    domain::{clock::Clock, personal_data::TABLES},
};

#[tokio::test]
async fn register_lists_exactly_the_columns_of_all_tables() {
    let app = TestApp::new().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name NOT IN ('_sqlx_migrations', 'pg_stat_statements', 'pg_stat_statements_info')",
    )
    .fetch_all(app.database.pool())
    .await
    .expect("the columns");
    let registered = TABLES
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| format!("{}.{}", table.name, column.name)));
    let (there, registered) =
        (columns.into_iter().collect::<BTreeSet<_>>(), registered.collect::<BTreeSet<_>>());
    assert_eq!(there, registered, "see shared/src/domain/personal_data/register.rs");
}

/// Returns how often the user is in the ledger.
async fn ledger_count(app: &TestApp, id: &str) -> usize {
    let ledger = Bucket::new(&app.state.app.config.storage.erasures, "");
    let ledger = Ledger::read(&ledger).await.expect("the ledger");
    let entries = ledger.since(app.clock.now()).await.expect("its entries");
    let of_user =
        entries.iter().filter(|(.., entry)| entry.users.iter().any(|user| user.0.to_string() == id));
    of_user.inspect(|(_, outcome, _)| assert_eq!(*outcome, Outcome::Confirmed)).count()
}

#[tokio::test]
async fn export_contains_all_personal_data_and_no_secret() {
    let app = TestApp::new().await;
    let (id, token) = create_canaries(&app).await;
    let export = app.client().token(&token).get("/v1/auth/me/export").await.ok(200);
    let text = export.body.to_string();
    for canary in CANARIES {
        assert!(text.contains(canary), "{canary} is missing");
    }
    assert_eq!(export.text("/data/userId"), id);
    for secret in ["Hash", "argon2", "\"sealed\""] {
        assert!(!text.contains(secret), "{secret} is in the export");
    }
    let tables: Vec<_> = export.body["data"]["records"]
        .as_array()
        .expect("tables")
        .iter()
        .map(|records| records["table"].as_str().expect("a name"))
        .collect();
    assert!(tables.contains(&"audit_events") && tables.contains(&"sessions"), "{tables:?}");
    let other = app.person("Bob").await.client.get("/v1/auth/me/export").await.ok(200);
    assert!(!other.body.to_string().to_lowercase().contains("canary"));
}

#[tokio::test]
async fn nothing_remains_of_an_erased_user() {
    let app = TestApp::new().await;
    let (id, token) = create_canaries(&app).await;
    let grace = app.administrator("Grace").await;
    let before = all_rows(&app).await;
    for canary in CANARIES {
        assert!(before.contains(canary), "{canary} was not stored");
    }

    let erased = grace.client.post_nothing(&format!("/v1/users/{id}/erase")).await.ok(200);

    assert_eq!(erased.text("/data/email"), format!("deleted-{id}@deleted.invalid"));
    let after = all_rows(&app).await;
    for canary in CANARIES {
        assert!(!after.contains(canary), "{canary} is still there");
    }
    app.client().token(&token).get("/v1/auth/me").await.refused(401, "unauthenticated");
    for (path, _) in [("erase", 0), ("restore", 0)] {
        grace.client.post_nothing(&format!("/v1/users/{id}/{path}")).await.refused(409, "user-erased");
    }
    let again = json!({ "name": "Ada", "email": CANARIES[1], "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", again).await.ok(201);
}

#[tokio::test]
async fn erasure_is_in_the_ledger_and_a_refused_one_is_not() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let grace = app.administrator("Grace").await;
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let (user, hold) = (format!("/v1/users/{}", ada.id), json!({ "reason": "case 12/34" }));
    grace.client.post(&format!("{user}/legal-hold"), hold).await.ok(200);
    grace.client.post_nothing(&format!("{user}/erase")).await.refused(409, "legal-hold");
    assert_eq!(ledger_count(&app, &ada.id).await, 0);
    grace.client.delete(&format!("{user}/legal-hold")).await.ok(200);
    grace.client.post_nothing(&format!("{user}/erase")).await.refused(409, "last-owner");
    assert_eq!(ledger_count(&app, &ada.id).await, 0);
    ada.client.delete(&team).await.ok(204);
    grace.client.post_nothing(&format!("{user}/erase")).await.ok(200);
    assert_eq!(ledger_count(&app, &ada.id).await, 1);
    grace.client.post_nothing(&format!("{user}/erase")).await.refused(409, "user-erased");
    assert_eq!(ledger_count(&app, &ada.id).await, 1);
}

#[tokio::test]
async fn unverified_address_exports_and_erases_nothing_of_others() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Secret Project").await;
    ada.client.patch(&team, json!({ "billingEmail": "bills@example.com" })).await.ok(200);
    ada.invite(&team, "bills@example.com", "member").await;
    let squatter = json!({ "name": "Eve", "email": "bills@example.com", "password": "a long enough phrase" });
    let eve = app.client().post("/v1/auth/register", squatter).await.ok(201);

    let export = app.client().token(eve.text("/data/accessToken")).get("/v1/auth/me/export").await.ok(200);
    let records = export.body["data"]["records"].as_array().expect("tables");
    let rows = |table: &str| {
        records.iter().find(|records| records["table"] == table).map(|records| &records["rows"])
    };
    assert_eq!(rows("invitations"), Some(&json!([])));
    assert!(!export.body.to_string().contains("Secret Project"));
    grace.client.post_nothing(&format!("/v1/users/{}/erase", eve.text("/data/user/id"))).await.ok(200);

    assert_eq!(ada.client.get(&team).await.ok(200).text("/data/billingEmail"), "bills@example.com");
    let open = ada.client.get(&format!("{team}/invitations?status=pending")).await.ok(200);
    assert_eq!(open.text("/data/0/email"), "bills@example.com");
}

#[tokio::test]
async fn export_does_not_identify_administrators() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    grace.client.patch(&format!("/v1/users/{}", ada.id), json!({ "name": "Countess" })).await.ok(200);
    let hold = format!("/v1/users/{}/legal-hold", ada.id);
    grace.client.post(&hold, json!({ "reason": "canary case" })).await.ok(200);
    let export = ada.client.get("/v1/auth/me/export").await.ok(200).body.to_string();
    assert!(export.contains("user.updated"), "Ada sees that it happened");
    assert!(
        !export.contains(&grace.id) && !export.contains(&grace.session) && !export.contains("canary case")
    );
}

#[tokio::test]
async fn legal_hold_prevents_erasure_until_it_is_lifted() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    let user = format!("/v1/users/{}", ada.id);
    let (hold, erase) = (format!("{user}/legal-hold"), format!("{user}/erase"));
    grace.client.post(&hold, json!({})).await.refused(422, "invalid-body");
    let answer = grace.client.post(&hold, json!({ "reason": "case 12/34" })).await.ok(200);
    assert_eq!(answer.text("/data/legalHoldReason"), "case 12/34");
    grace.client.delete(&user).await.ok(204);
    grace.client.post_nothing(&erase).await.refused(409, "legal-hold");
    let own = format!("/v1/users/{}/legal-hold", grace.id);
    grace.client.delete(&own).await.refused(409, "own-account");
    grace.client.delete(&hold).await.ok(200);
    grace.client.post_nothing(&erase).await.ok(200);
}

#[tokio::test]
async fn exports_by_administrators_are_audited() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    grace.client.get(&format!("/v1/users/{}/export", ada.id)).await.ok(200);
    let log = grace.client.get("/v1/audit-events?action=user.exported").await.ok(200);
    assert_eq!((log.text("/data/0/actorId"), log.text("/data/0/targetId")), (&*grace.id, &*ada.id));
}
