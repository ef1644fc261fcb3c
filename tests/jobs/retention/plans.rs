use std::{fs, path::Path};

use harness::TestApp;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};

use super::insert;

/// The index of each table, and the id in the arguments of its statements.
const TABLES: [(&str, &str, &str); 10] = [
    ("sessions", "sessions_ended_id_idx", "'00000000-0000-0000-0000-000000000000'"),
    (
        "verification_tokens",
        "verification_tokens_expires_at_id_idx",
        "'00000000-0000-0000-0000-000000000000'",
    ),
    ("sign_in_challenges", "sign_in_challenges_expires_at_id_idx", "'00000000-0000-0000-0000-000000000000'"),
    ("oauth_flows", "oauth_flows_expires_at_id_idx", "'00000000-0000-0000-0000-000000000000'"),
    ("passkey_ceremonies", "passkey_ceremonies_expires_at_id_idx", "'00000000-0000-0000-0000-000000000000'"),
    ("invitations", "invitations_expires_at_id_idx", "'00000000-0000-0000-0000-000000000000'"),
    ("idempotency_records", "idempotency_records_expires_at_idx", "'\\x00'"),
    ("mail_suppressions", "mail_suppressions_since_address_idx", "''"),
    ("audit_events", "audit_events_occurred_at_id_idx", "'00000000-0000-0000-0000-000000000000'"),
    ("conversations", "conversations_last_message_at_id_idx", "'00000000-0000-0000-0000-000000000000'"),
];

/// Returns the statements of the store, as sqlx has checked them.
fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let files = fs::read_dir(folder).expect("the query data").map(|entry| entry.expect("an entry").path());
    files
        .map(|file| {
            let text = fs::read_to_string(file).expect("a file");
            let query: Value = serde_json::from_str(&text).expect("JSON");
            query["query"].as_str().expect("a statement").to_owned()
        })
        .collect()
}

/// Returns the only statement that contains all of `parts`.
fn statement<'a>(all: &'a [String], parts: &[&str]) -> &'a str {
    let found: Vec<_> = all.iter().filter(|query| parts.iter().all(|part| query.contains(part))).collect();
    assert_eq!(found.len(), 1, "{parts:?}: {found:#?}");
    found[0]
}

/// 60 000 rows in every table, over 60 000 minutes; a tenth of the users and organizations deleted, a hundredth of the users under a
/// legal hold, and a tenth with an address that was never verified.
const ROWS: &str = "
    INSERT INTO users (id, name, email, email_verified_at, created_at, updated_at, deleted_at, legal_hold_at, legal_hold_reason)
    SELECT gen_random_uuid(), 'U', 'u' || n || '@example.com', CASE WHEN n % 10 <> 5 THEN $now END,
           $now - n * interval '1 min', $now,
           CASE WHEN n % 10 = 0 THEN $now - n * interval '1 min' END,
           CASE WHEN n % 1000 = 1 THEN $now END, CASE WHEN n % 1000 = 1 THEN 'case' END
    FROM generate_series(1, 60000) n;
    INSERT INTO organizations (id, name, slug, created_at, updated_at)
    VALUES (gen_random_uuid(), 'Engines', 'engines', $now, $now);
    CREATE TEMP TABLE numbered AS
        SELECT row_number() OVER () AS n, id, email, $now - row_number() OVER () * interval '1 min' AS moment FROM users;
    INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, created_at, authenticated_at,
                          last_used_at, expires_at, ends_at)
    SELECT gen_random_uuid(), id, sha256(n::text::bytea), moment, 'body', moment, moment, moment, moment, moment FROM numbered;
    INSERT INTO sign_in_challenges (id, user_id, token_hash, first_factor, created_at, expires_at)
    SELECT gen_random_uuid(), id, sha256(n::text::bytea), 'password', moment, moment FROM numbered;
    INSERT INTO oauth_flows (id, provider, purpose, state_hash, created_at, expires_at)
    SELECT gen_random_uuid(), 'acme', 'sign_in', sha256(n::text::bytea), moment, moment FROM numbered;
    INSERT INTO passkey_ceremonies (id, purpose, token_hash, sealed, created_at, expires_at)
    SELECT gen_random_uuid(), 'sign_in', sha256(n::text::bytea), '', moment, moment FROM numbered;
    INSERT INTO verification_tokens (id, user_id, email, token_hash, created_at, expires_at)
    SELECT gen_random_uuid(), id, email, sha256(n::text::bytea), moment, moment FROM numbered;
    INSERT INTO mail_suppressions (address, reason, since) SELECT email, 'bounce', moment FROM numbered;
    INSERT INTO invitations (id, organization_id, email, role, token_hash, created_at, updated_at, expires_at)
    SELECT gen_random_uuid(), o.id, u.email, 'member', sha256(u.n::text::bytea), u.moment, u.moment, u.moment
    FROM numbered u, organizations o;
    INSERT INTO conversations (id, organization_id, created_by, model, created_at, updated_at, last_message_at)
    SELECT gen_random_uuid(), o.id, u.id, 'm', u.moment, u.moment, u.moment FROM numbered u, organizations o;
    INSERT INTO organizations (id, name, slug, created_at, updated_at, deleted_at)
    SELECT gen_random_uuid(), 'O', 'o' || n, moment, moment, CASE WHEN n % 10 = 0 THEN moment END FROM numbered;
    INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
    SELECT o.id, u.id, 'owner', moment, moment FROM organizations o JOIN numbered u ON o.slug = 'o' || u.n;
    INSERT INTO idempotency_records (key_hash, sealed, expires_at)
    SELECT sha256(n::text::bytea), 'x', moment FROM numbered;
    INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, target_id, request_id)
    SELECT gen_random_uuid(), moment, 'a.b', 'success', id, id, 'r' FROM numbered;
    ANALYZE";

#[tokio::test]
async fn batches_are_found_and_deleted_through_their_index() {
    let app = TestApp::new().await;
    insert(&app, ROWS).await;
    let all = statements();
    let now = app.state.app.clock.now();
    let at = |minutes: i64| format!("'{}'", (now - chrono::TimeDelta::minutes(minutes)).to_rfc3339());
    let mut questions = Vec::new();
    for (table, index, id) in TABLES {
        let found = statement(&all, &[&format!("FROM {table} t"), "AS stretch"]);
        let removed = statement(&all, &[&format!("DELETE FROM {table} WHERE"), "= ANY (ARRAY(SELECT"]);
        for minutes in [60_000, 30_000] {
            questions.push((found, format!("{}, {id}, 5000, {}", at(minutes), at(0)), table, index));
            let (after, end) = (at(minutes), at(minutes - 5_000));
            questions.push((removed, format!("{after}, {id}, {end}, {id}"), table, index));
        }
    }
    let users = "users_deleted_at_id_idx";
    let hold = statement(&all, &["FOR NO KEY UPDATE SKIP LOCKED", "ORDER BY deleted_at, id"]);
    let nobody = "'00000000-0000-0000-0000-000000000000'";
    questions.push((hold, format!("{}, {nobody}, {}", at(50_000), at(0)), "users", users));
    let count = statement(&all, &["count(*) FILTER (WHERE legal_hold_at IS NULL)", "WHERE deleted_at <="]);
    questions.push((count, at(0), "users", users));
    let never = "users_never_verified_id_idx";
    let hold = statement(&all, &["FOR NO KEY UPDATE SKIP LOCKED", "email_verified_at IS NULL"]);
    questions.push((hold, format!("{}, {nobody}, {}", at(50_000), at(0)), "users", never));
    let count =
        statement(&all, &["count(*) FILTER (WHERE legal_hold_at IS NULL)", "email_verified_at IS NULL"]);
    questions.push((count, at(40_000), "users", never));
    let organizations = "organizations_deleted_at_id_idx";
    let lock = statement(&all, &["FROM organizations o", "FOR UPDATE OF o SKIP LOCKED"]);
    questions.push((lock, format!("{}, {}, {nobody}", at(0), at(50_000)), "organizations", organizations));
    let count = statement(&all, &["count(*)", "FROM organizations o"]);
    questions.push((count, at(0), "organizations", organizations));

    let mut connection = app.database.pool().acquire().await.expect("a connection");
    for (number, (query, arguments, table, index)) in questions.into_iter().enumerate() {
        connection.execute(AssertSqlSafe(format!("PREPARE q{number} AS {query}"))).await.expect("prepared");
        // As behind the pooler: planned with the actual arguments each time.
        let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE q{number} ({arguments})"));
        let plan: Vec<String> =
            sqlx::query_scalar(explain).fetch_all(&mut *connection).await.expect("a plan");
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{query}\n{plan}");
        assert!(!plan.contains(&format!("Seq Scan on {table}")), "{query}\n{plan}");
    }
}
