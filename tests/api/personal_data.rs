use std::collections::BTreeSet;

use harness::{CANARIES, TestApp, all_rows, create_canaries};
use serde_json::json;
use shared::{
    accounts::erasure_ledger::{Ledger, Outcome},
    aws::s3::Bucket,
    domain::{
        clock::Clock,
        personal_data::{EXPORT_BYTES, EXPORT_ROWS, TABLES},
    },
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
async fn organizations_of_an_erased_user_alone_are_purged_and_others_stay() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let grace = app.administrator("Grace").await;
    let (alone, shared) = (ada.create_organization("Alone").await, bob.create_organization("Shared").await);
    ada.create_key(&alone, &["members:read"]).await;
    ada.invite(&alone, "cy@example.com", "member").await;
    bob.add(&shared, &ada, "owner").await;
    let shared_past = ada.create_organization("Shared Past").await;
    ada.add(&shared_past, &bob, "owner").await;
    ada.client.delete(&shared_past).await.ok(200);
    let change = json!({ "billingEmail": ada.email, "logo": "https://example.com/shared.png" });
    let before = bob.client.patch(&shared, change).await.ok(200);

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    let after = bob.client.get(&shared).await.ok(200);
    for member in ["name", "slug", "logo"] {
        assert_eq!(after.body["data"][member], before.body["data"][member]);
    }
    assert_eq!(after.body["data"]["billingEmail"], json!(null));
    bob.client.post_nothing(&format!("{shared_past}/restore")).await.ok(200);
    let left = all_rows(&app).await;
    assert!(!left.contains("Alone") && !left.contains("cy@example.com"), "{left}");
    let events = "SELECT string_agg(action, ' ' ORDER BY id) FROM audit_events
                  WHERE organization_id::text = target_id::text AND action LIKE 'organization.p%'";
    assert_eq!(
        app.database.value::<String>(events).await,
        "organization.purged organization.purged",
        "the personal one too"
    );
    let id = alone.rsplit('/').next().expect("an id");
    let log = grace.client.get("/v1/audit-events?action=organization.purged").await.ok(200);
    assert!(log.body.to_string().contains(id) && log.text("/data/0/actorId") == grace.id);
}

#[tokio::test]
async fn organization_of_an_erased_user_with_rows_under_a_legal_hold_keeps_only_those() {
    let app = TestApp::new().await;
    let (ada, cy) = (app.verified_person("Ada").await, app.verified_person("Cy").await);
    let grace = app.administrator("Grace").await;
    let made =
        json!({ "name": "Secret Project", "slug": "secret", "logo": "https://example.com/secret.png" });
    let made = ada.client.post("/v1/organizations", made).await.ok(201);
    let team = format!("/v1/organizations/{}", made.id());
    ada.client.patch(&team, json!({ "billingEmail": "secret-books@example.com" })).await.ok(200);
    ada.invite(&team, &cy.email, "member").await;
    let hold = json!({ "reason": "case 12/34" });
    grace.client.post(&format!("/v1/users/{}/legal-hold", cy.id), hold).await.ok(200);

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    let left = all_rows(&app).await.to_lowercase();
    assert!(left.contains(&cy.email) && !left.contains("secret"), "{left}");
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
    ada.client.delete(&team).await.ok(200);
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

/// Rows of one user in every table that an export contains, each as long as its column allows, in characters that grow in JSON.
const BUSY: &str = r#"
    INSERT INTO organizations (id, name, slug, created_at, updated_at)
    SELECT uuidv7(), repeat('"', 100), 'busy' || n, now(), now() FROM generate_series(1, 4000) n;
    INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
    SELECT o.id, u.id, 'member', now(), now() FROM organizations o, users u
    WHERE o.slug LIKE 'busy%' AND u.email = 'busy@example.com';
    INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, user_agent, ip_address, created_at,
                          authenticated_at, last_used_at, expires_at, ends_at)
    SELECT uuidv7(), u.id, sha256(n::text::bytea), now(), 'body', repeat('"', 512), repeat('f', 39), now(), now(), now(),
           now(), now()
    FROM users u, generate_series(1, 4000) n WHERE u.email = 'busy@example.com';
    INSERT INTO verification_tokens (id, user_id, email, token_hash, created_at, expires_at, purpose)
    SELECT uuidv7(), u.id, repeat('"', 254), sha256(n::text::bytea), now(), now(), 'change_email'
    FROM users u, generate_series(1, 4000) n WHERE u.email = 'busy@example.com';
    INSERT INTO invitations (id, organization_id, email, role, token_hash, created_at, updated_at, expires_at)
    SELECT uuidv7(), o.id, 'busy@example.com', 'member', sha256(slug::bytea), now(), now(), now()
    FROM organizations o WHERE slug LIKE 'busy%';
    INSERT INTO api_keys (id, organization_id, name, scopes, secret_hash, created_by, created_at, updated_at)
    SELECT uuidv7(), o.id, 'K', '{}', 'x', u.id, now(), now() FROM organizations o, users u
    WHERE o.slug LIKE 'busy%' AND u.email = 'busy@example.com';
    INSERT INTO audit_events (id, occurred_at, action, outcome, target_id, request_id)
    SELECT uuidv7(), now(), 'session.created', 'denied', u.id, repeat('x', 128)
    FROM users u, generate_series(1, 20000) WHERE u.email = 'busy@example.com';
    UPDATE users SET name = repeat('"', 100), image = repeat('"', 2048) WHERE email = 'busy@example.com'"#;

#[tokio::test]
async fn an_export_of_any_account_is_small_enough_for_a_response() {
    let app = TestApp::new().await;
    let root = app.administrator("Root").await;
    let register = json!({ "name": "Busy", "email": "busy@example.com", "password": "a long enough phrase" });
    let busy = app.client().post("/v1/auth/register", register).await.ok(201);
    let token = json!({ "token": app.token_mailed_to("busy@example.com") });
    app.client().post("/v1/auth/verify-email", token).await.ok(200);
    sqlx::raw_sql(BUSY).execute(app.database.pool()).await.expect("the rows");

    let by_admin = root.client.get(&format!("/v1/users/{}/export", busy.text("/data/user/id"))).await.ok(200);
    let own = app.client().token(busy.text("/data/accessToken")).get("/v1/auth/me/export").await.ok(200);

    for export in [by_admin, own] {
        // Lambda gets the body as a JSON string, and takes 6,291,556 bytes with everything around it.
        let envelope = serde_json::to_string(&export.body.to_string()).expect("JSON").len();
        assert!(envelope < 2 * EXPORT_BYTES + 50_000, "{envelope} bytes");
        let mut cut = 0;
        for records in export.body["data"]["records"].as_array().expect("tables") {
            let (table, rows) = (records["table"].as_str(), records["rows"].as_array().expect("rows").len());
            let complete = records["complete"] == true;
            match table.expect("a name") {
                "users" => assert!(complete && rows == 1, "{rows}"),
                "audit_events" => {
                    assert!(!complete && rows == 0, "{rows}");
                    assert_eq!(records["pagedAt"], "/v1/auth/me/audit-events");
                }
                // A newer table that this test does not fill.
                _ if complete => assert_eq!(rows, 0, "{table:?}"),
                _ => {
                    // Fewer with each further table.
                    assert!((50..=EXPORT_ROWS).contains(&rows), "{table:?}: {rows}");
                    cut += 1;
                }
            }
        }
        assert_eq!(cut, 6, "organizations, members, sessions, tokens, invitations and API keys");
    }
}

#[tokio::test]
async fn a_row_that_is_too_large_does_not_make_an_export_fail() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.database.execute("UPDATE sessions SET user_agent = repeat('x', 8000000)").await;
    let export = ada.client.get("/v1/auth/me/export").await.ok(200);
    let records = export.body["data"]["records"].as_array().expect("tables").iter();
    let sessions = records.clone().find(|records| records["table"] == "sessions").expect("the table");
    assert_eq!((&sessions["rows"], &sessions["complete"]), (&json!([]), &json!(false)));
    let members = records.clone().find(|records| records["table"] == "members").expect("the table");
    assert_eq!((members["rows"].as_array().map(Vec::len), &members["complete"]), (Some(1), &json!(true)));
}

#[tokio::test]
async fn export_does_not_identify_administrators() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.person("Ada").await, app.administrator("Grace").await);
    grace.client.patch(&format!("/v1/users/{}", ada.id), json!({ "name": "Countess" })).await.ok(200);
    let hold = format!("/v1/users/{}/legal-hold", ada.id);
    grace.client.post(&hold, json!({ "reason": "canary case" })).await.ok(200);
    let export = ada.client.get("/v1/auth/me/export").await.ok(200).body.to_string();
    assert!(export.contains("legalHoldAt"), "Ada sees that there is a hold");
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
