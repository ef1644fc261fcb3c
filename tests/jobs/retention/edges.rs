use harness::TestApp;
use retention::{Request, run};
use serde_json::json;
use shared::lambda::job::Deadline;

use super::{clean, counts, dry_run, insert, job, state_set, text, total};

/// Sessions by user agent, with the age of their last use, expiry and revocation.
const SESSIONS: [(&str, &str, &str, &str); 8] = [
    // Name, last used, expires, revoked. One of them decides.
    ("expired 90 days ago", "89 days", "90 days", "NULL"),
    ("expired a second later", "89 days", "90 days - interval '1 s'", "NULL"),
    ("revoked 90 days ago", "89 days", "-1 days", "90 days"),
    ("revoked a second later", "89 days", "-1 days", "90 days - interval '1 s'"),
    ("unused for 90 days", "90 days", "-1 days", "NULL"),
    ("used a second later", "90 days - interval '1 s'", "-1 days", "NULL"),
    ("alive", "0 s", "-1 days", "NULL"),
    ("revoked long after it expired", "200 days", "199 days", "1 days"),
];

async fn insert_sessions(app: &TestApp) {
    for (name, used, expires, revoked) in SESSIONS {
        let revoked = if revoked == "NULL" {
            revoked.to_owned()
        } else {
            format!("$now - interval {}", quoted(revoked))
        };
        let (used, expires) = (quoted(used), quoted(expires));
        insert(
            app,
            &format!(
                "INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, user_agent, created_at,
                                       authenticated_at, last_used_at, expires_at, ends_at, revoked_at, revoked_reason)
                 SELECT gen_random_uuid(), id, sha256('{name}'), $now, 'body', '{name}', $now, $now,
                        $now - interval {used}, $now - interval {expires}, $now + interval '30 days', {revoked},
                        CASE WHEN {revoked} IS NULL THEN NULL ELSE 'logout' END
                 FROM users WHERE name = 'Ada'"
            ),
        )
        .await;
    }
}

/// Quotes an age for SQL. `90 days - interval '1 s'` becomes `'90 days' + interval '1 s'`, because the age is subtracted.
fn quoted(ago: &str) -> String {
    match ago.split_once(" - ") {
        Some((days, rest)) => format!("'{days}' + {rest}"),
        None => format!("'{ago}'"),
    }
}

#[tokio::test]
async fn session_is_deleted_exactly_90_days_after_its_end_or_last_use() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    insert_sessions(&app).await;

    let report = clean(&app).await;

    let stays =
        "SELECT string_agg(user_agent, ', ' ORDER BY user_agent) FROM sessions WHERE user_agent IS NOT NULL";
    assert_eq!(
        text(&app, stays).await,
        "alive, expired a second later, revoked a second later, used a second later"
    );
    assert_eq!((counts(&report, "sessions"), total(&report), report.complete), ((4, 0), 4, true));
}

#[tokio::test]
async fn tokens_invitations_and_idempotency_records_are_deleted_exactly_at_expiry() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    app.database.execute("DELETE FROM verification_tokens").await;
    for (name, expires) in [("over", "$now"), ("open", "$now + interval '1 s'")] {
        insert(
            &app,
            &format!(
                "INSERT INTO verification_tokens (id, user_id, email, token_hash, created_at, expires_at)
                 SELECT gen_random_uuid(), id, '{name}', sha256('{name}'), $now, {expires} FROM users;
                 INSERT INTO invitations (id, organization_id, email, role, token_hash, created_at, updated_at, expires_at, status)
                 SELECT gen_random_uuid(), id, status || '@{name}', 'member', sha256(('{name}' || status)::bytea), $now, $now, {expires}, status
                 FROM organizations, unnest(ARRAY['pending', 'accepted', 'declined', 'revoked', 'expired']) AS status;
                 INSERT INTO idempotency_records (key_hash, sealed, expires_at) VALUES (sha256('{name}'), '{name}', {expires})"
            ),
        )
        .await;
    }

    let report = clean(&app).await;

    let tables =
        ["verification_tokens", "invitations", "idempotency_records"].map(|table| counts(&report, table));
    assert_eq!((tables, total(&report)), ([(1, 0), (5, 0), (1, 0)], 7));
    assert_eq!(text(&app, "SELECT string_agg(email, '') FROM verification_tokens").await, "open");
    assert_eq!(
        text(&app, "SELECT count(*) || min(split_part(email, '@', 2)) FROM invitations").await,
        "5open"
    );
    assert_eq!(
        text(&app, "SELECT string_agg(convert_from(sealed, 'UTF8'), '') FROM idempotency_records").await,
        "open"
    );
}

#[tokio::test]
async fn begun_sign_in_is_deleted_exactly_at_expiry() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    for (name, expires) in [("over", "$now"), ("open", "$now + interval '1 s'")] {
        insert(
            &app,
            &format!(
                "INSERT INTO sign_in_challenges (id, user_id, token_hash, first_factor, created_at, expires_at)
                 SELECT gen_random_uuid(), id, sha256('{name}'), '{name}', $now, {expires} FROM users;
                 INSERT INTO oauth_flows (id, provider, purpose, state_hash, created_at, expires_at)
                 VALUES (gen_random_uuid(), '{name}', 'sign_in', sha256('{name}'), $now, {expires});
                 INSERT INTO passkey_ceremonies (id, purpose, token_hash, sealed, created_at, expires_at)
                 VALUES (gen_random_uuid(), 'sign_in', sha256('{name}'), '{name}', $now, {expires})"
            ),
        )
        .await;
    }

    let report = clean(&app).await;

    for (table, name) in [
        ("sign_in_challenges", "first_factor"),
        ("oauth_flows", "provider"),
        ("passkey_ceremonies", "encode(sealed, 'escape')"),
    ] {
        assert_eq!(counts(&report, table), (1, 0), "{table}");
        assert_eq!(text(&app, &format!("SELECT string_agg({name}, '') FROM {table}")).await, "open");
    }
}

#[tokio::test]
async fn audit_event_is_deleted_after_exactly_a_year() {
    let app = TestApp::new().await;
    app.database.execute("DELETE FROM audit_events").await;
    insert(
        &app,
        "INSERT INTO audit_events (id, occurred_at, action, outcome, request_id) VALUES
             (gen_random_uuid(), $now - interval '365 days', 'a.b', 'success', 'a year'),
             (gen_random_uuid(), $now - interval '365 days' + interval '1 s', 'a.b', 'success', 'a second less'),
             (gen_random_uuid(), $now, 'a.b', 'success', 'now')",
    )
    .await;
    let report = clean(&app).await;
    assert_eq!((counts(&report, "audit_events"), total(&report)), ((1, 0), 1));
    let stays = "SELECT string_agg(request_id, ', ' ORDER BY occurred_at) FROM audit_events";
    assert_eq!(text(&app, stays).await, "a second less, now");
}

/// Inserts a deleted artifact of each name into the only organization, with the age of its deletion.
async fn insert_deleted_artifacts(app: &TestApp, artifacts: &[(&str, &str)]) {
    for (name, age) in artifacts {
        insert(
            app,
            &format!(
                "INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, progressed_at, created_at,
                                        updated_at, deleted_at)
                 SELECT gen_random_uuid(), min(id::text)::uuid, '{name}', 'text/plain', 1, sha256('{name}'), 'expired', $now, $now, $now,
                        $now - interval {age}
                 FROM organizations"
            ),
        )
        .await;
    }
}

#[tokio::test]
async fn deleted_artifact_is_removed_after_exactly_30_days() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    let ages = [("30 days", "'30 days'"), ("a second less", "'29 days 23:59:59'"), ("now", "'0 s'")];
    insert_deleted_artifacts(&app, &ages).await;
    app.database.execute("UPDATE artifacts SET deleted_at = NULL WHERE name = 'now'").await;

    let report = clean(&app).await;

    assert_eq!((counts(&report, "artifacts"), total(&report)), ((1, 0), 1));
    let stays = "SELECT string_agg(name, ', ' ORDER BY name) FROM artifacts";
    assert_eq!(text(&app, stays).await, "a second less, now");
}

/// Inserts a conversation of each title into the only organization, with the age of its last message.
async fn insert_conversations(app: &TestApp, conversations: &[(&str, &str)]) {
    for (title, age) in conversations {
        insert(
            app,
            &format!(
                "INSERT INTO conversations (id, organization_id, title, model, created_at, updated_at, last_message_at)
                 SELECT gen_random_uuid(), min(id::text)::uuid, '{title}', 'm', $now - interval {age}, $now, $now - interval {age}
                 FROM organizations;
                 INSERT INTO messages (id, organization_id, conversation_id, role, status, content, created_at, finished_at)
                 SELECT gen_random_uuid(), organization_id, id, 'user', 'complete', title, created_at, created_at
                 FROM conversations WHERE title = '{title}'"
            ),
        )
        .await;
    }
}

#[tokio::test]
async fn conversation_is_removed_exactly_365_days_after_its_last_message() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    let ages = [("a year", "'365 days'"), ("a second less", "'364 days 23:59:59'"), ("now", "'0 s'")];
    insert_conversations(&app, &ages).await;

    let report = clean(&app).await;

    assert_eq!((counts(&report, "conversations"), total(&report)), ((1, 0), 1));
    let stays = "SELECT string_agg(m.content, ', ' ORDER BY m.content) FROM messages m JOIN conversations c ON c.title = m.content";
    assert_eq!(text(&app, stays).await, "a second less, now");
}

#[tokio::test]
async fn operator_sets_how_long_conversations_stay() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    insert_conversations(&app, &[("a week", "'7 days'"), ("a second less", "'6 days 23:59:59'")]).await;
    let state = state_set(&app, &[("CHAT_RETENTION", "7d")]);

    let report = run(&state, Request::default(), &job(Deadline::far())).await.expect("a report");

    assert_eq!(counts(&report, "conversations"), (1, 0));
    assert_eq!(text(&app, "SELECT string_agg(title, ', ') FROM conversations").await, "a second less");
    assert_eq!(text(&app, "SELECT count(*)::text FROM messages").await, "1");
}

#[tokio::test]
async fn user_is_erased_exactly_30_days_after_deletion() {
    let app = TestApp::new().await;
    for name in ["Ada", "Bob", "Eve"] {
        app.person(name).await;
    }
    for (name, deleted) in [("Ada", "interval '30 days'"), ("Bob", "interval '30 days' + interval '1 s'")] {
        insert(&app, &format!("UPDATE users SET deleted_at = $now - {deleted} WHERE name = '{name}'")).await;
    }
    let report = clean(&app).await;
    assert_eq!((counts(&report, "users"), total(&report)), ((1, 0), 1));
    let names = "SELECT string_agg(name, ', ' ORDER BY name) FROM users WHERE erased_at IS NULL";
    assert_eq!(text(&app, names).await, "Bob, Eve");
    let erased = "SELECT (erased_at IS NOT NULL AND email = 'deleted-' || id || '@deleted.invalid')::text
                  FROM users WHERE name = 'Deleted user'";
    assert_eq!(text(&app, erased).await, "true");
}

/// Inserts expired rows into every table.
async fn insert_expired_rows(app: &TestApp) {
    for name in ["Ada", "Bob", "Eve"] {
        let person = app.verified_person(name).await;
        let team = person.create_organization("Engines").await;
        let body = json!({ "email": format!("invited-by-{name}@example.com"), "role": "member" });
        let client = person.client.with("idempotency-key", &format!("key-of-{name}"));
        client.post(&format!("{team}/invitations"), body).await.ok(201);
        let past = person.create_organization("Past").await;
        person.client.delete(&past).await.ok(200);
    }
    app.person("Squatter").await;
    insert_deleted_artifacts(app, &[("gone", "'0 s'")]).await;
    insert_conversations(app, &[("gone", "'0 s'")]).await;
    insert(
        app,
        "INSERT INTO mail_suppressions (address, reason, since) VALUES ('gone@example.com', 'bounce', $now);
         INSERT INTO sign_in_challenges (id, user_id, token_hash, first_factor, created_at, expires_at)
         SELECT gen_random_uuid(), id, sha256('gone'), 'password', $now, $now FROM users WHERE name = 'Bob';
         INSERT INTO oauth_flows (id, provider, purpose, state_hash, created_at, expires_at)
         VALUES (gen_random_uuid(), 'acme', 'sign_in', sha256('gone'), $now, $now);
         INSERT INTO passkey_ceremonies (id, purpose, token_hash, sealed, created_at, expires_at)
         VALUES (gen_random_uuid(), 'sign_in', sha256('gone'), '', $now, $now)",
    )
    .await;
    app.database.execute("UPDATE users SET deleted_at = updated_at WHERE name = 'Ada'").await;
    app.clock.advance(chrono::TimeDelta::days(400));
}

#[tokio::test]
async fn second_run_changes_nothing() {
    let app = TestApp::new().await;
    insert_expired_rows(&app).await;
    let first = clean(&app).await;
    assert!(first.tables.iter().all(|cleaned| cleaned.removed > 0), "{first:?}");
    let (before, log) = (app.database.checksums().await, text(&app, AUDIT).await);
    let second = clean(&app).await;
    assert_eq!((total(&second), second.complete), (0, true));
    assert_eq!(app.database.checksums().await, before);
    assert_eq!(text(&app, AUDIT).await, log);
}

const AUDIT: &str = "SELECT coalesce(md5(string_agg(e::text, ' ' ORDER BY id)), '') FROM audit_events e";

#[tokio::test]
async fn dry_run_counts_the_same_rows_and_changes_nothing() {
    let app = TestApp::new().await;
    insert_expired_rows(&app).await;
    let (before, log) = (app.database.checksums().await, text(&app, AUDIT).await);

    let rehearsed = dry_run(&app).await;

    assert_eq!(app.database.checksums().await, before);
    assert_eq!(text(&app, AUDIT).await, log);
    assert!(rehearsed.dry_run && rehearsed.complete);
    let done = clean(&app).await;
    assert_eq!(rehearsed.tables, done.tables);
    assert!(done.tables.iter().all(|cleaned| cleaned.removed > 0), "{done:?}");
}
