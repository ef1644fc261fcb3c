//! Query plans: each statement uses an index.

use std::{collections::BTreeMap, fs, path::Path};

use harness::Database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

/// Statements that may read a whole table: a text that occurs in no other statement, and the reason.
const READ_WHOLE_TABLES: [(&str, &str); 6] = [
    (
        "FROM artifacts WHERE status = $1 AND deleted_at IS NULL AND progressed_at <=",
        "the sweeper: planned with the actual status, which the partial index names",
    ),
    ("FROM audit_events WHERE ($3::uuid IS NULL", "filters: planned with the actual arguments, see below"),
    (
        "SELECT count(*) AS \"count!\" FROM organizations o WHERE deleted_at <= $1",
        "retention: once per run, planned with the actual arguments, see tests/jobs/retention/plans.rs",
    ),
    ("SET consumed_at = $1 WHERE consumed_at IS NULL", "after a restore: all rows"),
    ("SET status = 'revoked', updated_at = $1", "after a restore: all open invitations"),
    ("SELECT count(*) AS \"count!\" FROM totp_factors", "retention: once per run, all seeds"),
];

/// 20 000 users, each with an organization. The first user is in a thousand others, and the first organization has a thousand
/// members. 60 000 rows in every other table, over 60 000 minutes.
const ROWS: &str = "
    INSERT INTO users (id, name, email, created_at, updated_at, deleted_at, suspended_at, suspended_reason,
                       legal_hold_at, legal_hold_reason)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'U', 'u' || n || '@example.com', now(), now(),
           CASE WHEN n % 10 = 0 THEN now() - n * interval '1 min' END,
           CASE WHEN n % 500 = 2 THEN now() END, CASE WHEN n % 500 = 2 THEN 'case' END,
           CASE WHEN n % 1000 = 1 THEN now() END, CASE WHEN n % 1000 = 1 THEN 'case' END
    FROM generate_series(1, 20000) n;
    INSERT INTO organizations (id, name, slug, billing_email, created_at, updated_at)
    SELECT id, name, 's' || id, email, now(), now() FROM users;
    INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
    SELECT id, id, 'owner', created_at, now() FROM users
    UNION ALL SELECT lpad('1', 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, 'member', now() - n * interval '1 min', now()
    FROM generate_series(2, 1001) n
    UNION ALL SELECT lpad(to_hex(n), 32, '0')::uuid, lpad('1', 32, '0')::uuid, 'member', now(), now()
    FROM generate_series(19001, 20000) n;
    CREATE TEMP TABLE numbered AS
        SELECT row_number() OVER () AS i, id, email, n, now() - row_number() OVER () * interval '1 min' AS moment
        FROM users, generate_series(1, 3) n;
    INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, created_at, authenticated_at,
                          last_used_at, expires_at, ends_at, revoked_at, revoked_reason)
    SELECT uuidv7(), id, sha256(i::text::bytea), moment, 'body', moment, moment, moment, moment + interval '30 d',
           moment + interval '30 d', CASE WHEN n = 1 THEN moment END, CASE WHEN n = 1 THEN 'logout' END FROM numbered;
    INSERT INTO verification_tokens (id, user_id, email, token_hash, created_at, expires_at, purpose, consumed_at)
    SELECT uuidv7(), id, email, sha256(i::text::bytea), moment, moment, 'magic_link', CASE WHEN n = 1 THEN moment END
    FROM numbered;
    INSERT INTO invitations (id, organization_id, email, role, token_hash, created_at, updated_at, expires_at, status)
    SELECT uuidv7(), id, i || email, 'member', sha256(i::text::bytea), moment, moment, moment + interval '7 d',
           CASE WHEN n = 1 THEN 'accepted' ELSE 'pending' END FROM numbered;
    INSERT INTO api_keys (id, organization_id, name, scopes, secret_hash, created_by, created_at, updated_at)
    SELECT uuidv7(), id, 'K', '{}', 'x', id, moment, moment FROM numbered;
    INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name, created_at, updated_at)
    SELECT uuidv7(), id, uuid_send(uuidv7()), '{}', 0, false, false, 'P', moment, moment FROM numbered;
    INSERT INTO idempotency_records (key_hash, sealed, expires_at)
    SELECT sha256(i::text::bytea), 'x', moment + interval '1 d' FROM numbered;
    INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, organization_id, target_id, request_id)
    SELECT uuidv7(), moment, 'session.created', 'success', id, id, id, 'r' FROM numbered;
    INSERT INTO mail_suppressions (address, reason, since) SELECT i || email, 'bounce', moment FROM numbered;
    INSERT INTO conversations (id, organization_id, created_by, model, created_at, updated_at, last_message_at)
    SELECT uuidv7(), id, id, 'm', moment, moment, moment FROM numbered;
    INSERT INTO messages (id, organization_id, conversation_id, role, status, content, model, deadline_at, created_at, finished_at)
    SELECT uuidv7(), organization_id, id, 'assistant', CASE WHEN n = 1 THEN 'streaming' ELSE 'complete' END, 'x', 'm',
           created_at + interval '5 min', created_at, CASE WHEN n <> 1 THEN created_at END
    FROM conversations, generate_series(1, 2) n;
    INSERT INTO message_sources (id, organization_id, message_id, n, chunk_id, artifact_name)
    SELECT uuidv7(), organization_id, id, 1, id, 'A' FROM messages;
    INSERT INTO token_budgets (organization_id, month) SELECT DISTINCT organization_id, date '2026-01-01' FROM messages;
    INSERT INTO token_reservations (id, organization_id, month, tokens, expires_at)
    SELECT id, organization_id, '2026-01-01', 1, created_at + interval '5 min' FROM messages WHERE status = 'streaming';
    ANALYZE";

/// Statements that requests wait for: a text that occurs in no other, the arguments, and the index that must be used. `$user` and
/// `$large` are the first user and organization, `$other` is another of each.
const HOT: [(&str, &str, &str); 48] = [
    // Session check.
    ("SELECT s.user_id AS \"user_id: UserId\", s.authenticated_at", "$other, now()", "sessions_pkey"),
    ("FOR UPDATE OF s", "$other, now()", "sessions_pkey"),
    // Refresh.
    ("SET previous_refresh_token_hash", "$other, 'x', 'x', now(), now()", "sessions_"),
    // Mailed tokens, by the token and by their user.
    (
        "consumed_at IS NULL AND expires_at > $3 ) FOR NO KEY UPDATE OF users",
        "'magic_link', 'x', now() - interval '30 d'",
        TOKENS,
    ),
    (
        "WITH used AS ( UPDATE verification_tokens",
        "'magic_link', 'x', now() - interval '30 d', '{magic_link}'",
        TOKENS,
    ),
    (
        "WITH used AS ( UPDATE verification_tokens",
        "'magic_link', 'x', now() - interval '30 d', '{magic_link}'",
        "verification_tokens_user_id_",
    ),
    // Login, by any index of addresses.
    ("SELECT id AS \"id: UserId\", password_hash FROM users", "'u5@example.com'", "users_email_"),
    // API key.
    ("SELECT k.scopes, k.secret_hash", "$other, now()", "api_keys_pkey"),
    // Idempotency: a record is read; a record is written and old ones are deleted.
    ("SELECT sealed FROM", "'x', now()", "idempotency_records_pkey"),
    (
        "WITH expired AS ( DELETE FROM idempotency_records",
        "'x', 'x', now(), now() - interval '30 d'",
        "idempotency_records_expires_at_idx",
    ),
    // Membership, with the organization and by itself.
    ("o.second_factor_from, m.role AS \"role: Role\"", "$large, $other", "members_"),
    ("SELECT m.role AS \"role: Role\", u.email_verified_at", "$large, $other", "members_"),
    // Lists: the first page and one in the middle, in both orders.
    (NEWEST_ORGANIZATIONS, "NULL, 21, $user", "members_user_id_organization_id_idx"),
    (NEWEST_ORGANIZATIONS, "$middle, 21, $user", "members_user_id_organization_id_idx"),
    (
        "o.deleted_at IS NULL AND ($1::uuid IS NULL OR m.organization_id >",
        "$middle, 21, $user",
        "members_user_id_organization_id_idx",
    ),
    (
        "o.deleted_at > $4 AND ($1::uuid IS NULL OR m.organization_id <",
        "NULL, 21, $other, now() - interval '30 d'",
        "members_user_id_organization_id_idx",
    ),
    ("ORDER BY m.created_at DESC", "$large, NULL, NULL, NULL, 21, NULL", MEMBERS),
    ("ORDER BY m.created_at DESC", "$large, NULL, now() - interval '500 min', $other, 21, NULL", MEMBERS),
    (
        "ORDER BY m.created_at, m.user_id LIMIT",
        "$large, NULL, now() - interval '500 min', $other, 21, NULL",
        MEMBERS,
    ),
    (
        "user_id = $3 AND revoked_at IS NULL AND expires_at > $4 AND ($1::uuid IS NULL OR id < $1)",
        "NULL, 21, $other, now()",
        SESSIONS,
    ),
    (
        "user_id = $3 AND revoked_at IS NULL AND expires_at > $4 AND ($1::uuid IS NULL OR id > $1)",
        "$other, 21, $other, now()",
        SESSIONS,
    ),
    ("status END) AND ($1::uuid IS NULL OR id < $1)", "NULL, 21, $other, 'pending', now()", INVITATIONS),
    ("status END) AND ($1::uuid IS NULL OR id > $1)", "$other, 21, $other, NULL, now()", INVITATIONS),
    (
        "organization_id = $3 AND revoked_at IS NULL AND ($1::uuid IS NULL OR id < $1)",
        "NULL, 21, $other",
        API_KEYS,
    ),
    (
        "organization_id = $3 AND revoked_at IS NULL AND ($1::uuid IS NULL OR id > $1)",
        "$other, 21, $other",
        API_KEYS,
    ),
    (AUDIT, "NULL, 21, NULL, NULL, NULL, NULL, NULL, NULL", "audit_events_pkey"),
    (AUDIT, "$other, 21, NULL, NULL, NULL, NULL, NULL, NULL", "audit_events_pkey"),
    (AUDIT, "NULL, 21, $other, NULL, NULL, NULL, NULL, NULL", "audit_events_organization_id_id_idx"),
    (AUDIT, "NULL, 21, NULL, $other, NULL, NULL, NULL, NULL", "audit_events_actor_id_id_idx"),
    (AUDIT, "NULL, 21, NULL, NULL, $other, NULL, NULL, NULL", "audit_events_target_id_id_idx"),
    (AUDIT, "NULL, 21, NULL, NULL, NULL, 'user.appointed', NULL, NULL", "audit_events_action_id_idx"),
    (
        AUDIT,
        "NULL, 21, NULL, NULL, NULL, NULL, now() - interval '1 h', NULL",
        "audit_events_occurred_at_id_idx",
    ),
    (OWN_AUDIT, "NULL, 21, $other, NULL, NULL, NULL", "audit_events_actor_id_id_idx"),
    (OWN_AUDIT, "NULL, 21, $other, NULL, NULL, NULL", "audit_events_target_id_id_idx"),
    (CONVERSATIONS, "NULL, 21, $other, $other, NULL", "conversations_created_by_organization_id_id_idx"),
    (CONVERSATIONS, "NULL, 21, $other, NULL, $other", "conversations_api_key_id_id_idx"),
    (
        "m.conversation_id = $4 AND ($1::uuid IS NULL OR m.id < $1)",
        "NULL, 21, $other, $other",
        "messages_conversation_id_id_idx",
    ),
    ("WITH stopped AS", "NULL, now(), 683", "messages_deadline_at_idx"),
    (USERS, "NULL, 21, NULL, NULL", "users_pkey"),
    (USERS, "$other, 21, NULL, NULL", "users_pkey"),
    (USERS, "NULL, 21, 'u5@example.com', NULL", "users_email_idx"),
    (USERS, "NULL, 21, NULL, 'active'", "users_"),
    (USERS, "NULL, 21, NULL, 'suspended'", "users_standing_id_idx"),
    (USERS, "NULL, 21, NULL, 'erased'", "users_standing_id_idx"),
    // Addresses: is one taken, does one belong to a member, which user has it.
    (
        "lower(email) = lower($1) AND id <> $2 AND deleted_at IS NULL ) AS \"taken!\"",
        "'u5@example.com', $other",
        "users_email_",
    ),
    ("m.organization_id = $1 AND lower(u.email) = lower($2)", "$large, 'u5@example.com'", "users_email_"),
    (
        "= lower($1) AND deleted_at IS NULL AND suspended_at IS NULL FOR NO",
        "'u5@example.com'",
        "users_email_",
    ),
    // Limits of invitations.
    (
        "FILTER (WHERE here",
        "$other, 'u5@example.com', now() - interval '1 h', now() - interval '1 d'",
        "invitations_organization_id_created_at_idx",
    ),
];
const NEWEST_ORGANIZATIONS: &str = "o.deleted_at IS NULL AND ($1::uuid IS NULL OR m.organization_id <";
const MEMBERS: &str = "members_organization_id_created_at_user_id_idx";
const TOKENS: &str = "verification_tokens_token_hash_key";
const SESSIONS: &str = "sessions_user_id_id_idx";
const INVITATIONS: &str = "invitations_organization_id_id_idx";
const API_KEYS: &str = "api_keys_organization_id_id_idx";
const AUDIT: &str = "OR occurred_at < $8) AND ($1::uuid IS NULL OR id < $1)";
const OWN_AUDIT: &str = "OR id < $1) ORDER BY id DESC LIMIT $2) UNION";
const CONVERSATIONS: &str =
    "(created_by = $4 OR api_key_id = $5) AND deleted_at IS NULL AND ($1::uuid IS NULL OR id < $1)";
const USERS: &str = "ELSE 'active' END) AND ($1::uuid IS NULL OR id < $1)";

/// The statements of the functions as sqlx has checked them, by their text in one line.
pub fn statements() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let files = fs::read_dir(folder).expect("the query data");
    files
        .map(|entry| {
            let text = fs::read_to_string(entry.expect("an entry").path()).expect("a file");
            let query: Value = serde_json::from_str(&text).expect("JSON");
            let query = query["query"].as_str().expect("a statement").to_owned();
            (query.split_whitespace().collect::<Vec<_>>().join(" "), query)
        })
        .collect()
}

/// Fills the database with enough rows for realistic plans. Returns a connection.
async fn filled(database: &Database) -> PgConnection {
    let mut connection = PgConnection::connect(&database.owner_url()).await.expect("a connection");
    connection.execute(sqlx::raw_sql(ROWS)).await.expect("rows");
    connection
}

/// Returns the plan, line by line. The explained statement may have parameters, so `explain` is sent as plain text.
pub async fn plan(connection: &mut PgConnection, explain: String) -> String {
    let lines = connection.fetch_all(sqlx::raw_sql(AssertSqlSafe(explain))).await.expect("a plan");
    lines.iter().map(|line| line.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
}

/// Returns our tables that `plan` reads completely.
pub fn whole_tables(plan: &str) -> Vec<&str> {
    let read = plan.lines().filter_map(|step| step.split_once("Seq Scan on ")?.1.split(' ').next());
    read.filter(|table| !table.starts_with("pg_")).collect()
}

/// Plans `query` with any arguments. A table without rows is read completely for nothing, so a plan that reads one says nothing
/// about its indexes: then the query is planned again, and reads a whole table only where no index serves.
async fn generic_plan(connection: &mut PgConnection, empty: &[String], query: &str) -> String {
    let explain = format!("EXPLAIN (GENERIC_PLAN) {query}");
    let first = plan(connection, explain.clone()).await;
    if !whole_tables(&first).iter().any(|table| empty.iter().any(|name| name == table)) {
        return first;
    }
    connection.execute("SET enable_seqscan = off").await.expect("a setting");
    let second = plan(connection, explain).await;
    connection.execute("RESET enable_seqscan").await.expect("a setting");
    second
}

#[tokio::test]
async fn no_statement_scans_a_whole_table_without_a_reason() {
    let database = Database::create().await;
    let mut connection = filled(&database).await;
    let empty = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND reltuples = 0";
    let empty: Vec<String> = sqlx::query_scalar(empty).fetch_all(&mut connection).await.expect("names");
    let mut excused = [false; READ_WHOLE_TABLES.len()];
    let mut whole = Vec::new();
    for (line, query) in statements() {
        let plan = generic_plan(&mut connection, &empty, &query).await;
        let tables = whole_tables(&plan);
        if tables.is_empty() {
            continue;
        }
        let excuse = READ_WHOLE_TABLES.iter().position(|(part, _)| line.contains(part));
        match excuse {
            Some(excuse) => excused[excuse] = true,
            None => whole.push(format!("{line} reads all of {tables:?}: {plan}")),
        }
    }
    assert!(whole.is_empty(), "{}", whole.join("\n\n"));
    for ((part, why), used) in READ_WHOLE_TABLES.iter().zip(excused) {
        assert!(used, "nothing with {part:?} reads a whole table ({why})");
    }
}

#[tokio::test]
async fn statements_of_requests_use_their_index() {
    let database = Database::create().await;
    let mut connection = filled(&database).await;
    let all = statements();
    for (number, (part, arguments, index)) in HOT.into_iter().enumerate() {
        let found: Vec<_> = all.iter().filter(|(line, _)| line.contains(part)).collect();
        assert_eq!(found.len(), 1, "{part}: {found:#?}");
        let (line, query) = found[0];
        let id = |n: u16| format!("'00000000-0000-0000-0000-00000000{n:04x}'");
        let arguments = arguments.replace("$user", &id(1)).replace("$large", &id(1));
        let arguments = arguments.replace("$middle", &id(19_500)).replace("$other", &id(4_000));
        connection.execute(AssertSqlSafe(format!("PREPARE q{number} AS {query}"))).await.expect("prepared");
        // As behind the pooler: planned with the actual arguments each time.
        let plan = plan(&mut connection, format!("EXPLAIN EXECUTE q{number} ({arguments})")).await;
        assert!(plan.contains(&format!(" {index}")), "not through {index}: {line} ({arguments})\n{plan}");
        assert!(whole_tables(&plan).is_empty(), "{line} ({arguments})\n{plan}");
    }
}
