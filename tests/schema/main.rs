//! The schema, as the migrations create it.

mod plans;
mod search;

use futures_util::future::join_all;
use harness::{Database, TestApp};
use migrate::{MIGRATOR, appoint, status, up};
use shared::{
    db::connect_options,
    domain::personal_data::{Erasure, TABLES},
};
use sqlx::{Connection, PgConnection};

async fn owner(database: &Database) -> PgConnection {
    PgConnection::connect_with(&connect_options(&database.owner_url()).expect("a URL"))
        .await
        .expect("a connection")
}

#[tokio::test]
async fn all_migrations_apply_to_an_empty_database() {
    let database = Database::create_empty().await;
    let mut connection = owner(&database).await;
    assert_eq!(status(&mut connection).await.expect("a report").pending.len(), MIGRATOR.iter().count());

    let report = up(&mut connection).await.expect("migrations apply");

    assert_eq!(report.applied.len(), MIGRATOR.iter().count());
    assert!(report.pending.is_empty());
    assert_eq!(report.version, MIGRATOR.iter().map(|migration| migration.version).max());
    let again = up(&mut connection).await.expect("nothing to do");
    assert!(again.applied.is_empty());
}

#[tokio::test]
async fn four_concurrent_runs_apply_each_migration_once() {
    let database = Database::create_empty().await;
    let mut connections = join_all((0..4).map(|_| owner(&database))).await;

    let reports = join_all(connections.iter_mut().map(up)).await;

    let applied: Vec<_> =
        reports.into_iter().map(|report| report.expect("no deadlock").applied.len()).collect();
    assert_eq!(applied.iter().filter(|count| **count > 0).count(), 1, "{applied:?}");
}

#[tokio::test]
async fn schema_of_a_later_release_is_not_changed() {
    let database = Database::create().await;
    let mut connection = owner(&database).await;
    database
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (29991231000000, 'later', true, '\\x00', 0), (20261123000000, 'merged late', true, '\\x00', 0)",
        )
        .await;
    let report = up(&mut connection).await.expect("nothing to do");
    assert_eq!(
        (report.version, report.applied.len(), report.pending.len()),
        (Some(29_991_231_000_000), 0, 0)
    );

    database.execute("UPDATE _sqlx_migrations SET checksum = '\\x01' WHERE version = 20261123000003").await;
    let error = up(&mut connection).await.expect_err("a modified migration").to_string();
    assert!(error.contains("20261123000003") && error.contains("modified"), "{error}");

    database.execute("DELETE FROM _sqlx_migrations WHERE version = 20261123000003").await;
    let error = up(&mut connection).await.expect_err("neither release is later").to_string();
    assert!(error.contains("missing in the resolved migrations"), "{error}");
}

#[tokio::test]
async fn invalid_index_is_reported() {
    let database = Database::create().await;
    let mut connection = owner(&database).await;
    database
        .execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sessions_expires_at_idx'::regclass",
        )
        .await;
    let error = up(&mut connection).await.expect_err("an invalid index").to_string();
    assert!(error.contains("sessions_expires_at_idx"), "{error}");
}

#[tokio::test]
async fn required_extensions_and_indexes_exist() {
    let database = Database::create().await;
    for extension in ["btree_gin", "vector", "pg_stat_statements"] {
        let there: Vec<String> = sqlx::query_scalar("SELECT extname::text FROM pg_extension")
            .fetch_all(database.pool())
            .await
            .expect("rows");
        assert!(there.iter().any(|name| name == extension), "{extension}");
    }
    for index in [
        "users_email_key",
        "organizations_name_idx",
        "sessions_refresh_token_hash_key",
        "sessions_expires_at_idx",
    ] {
        let valid: Option<bool> =
            sqlx::query_scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass")
                .bind(index)
                .fetch_optional(database.pool())
                .await
                .expect("the index exists");
        assert_eq!(valid, Some(true), "{index}");
    }
}

#[tokio::test]
async fn constraints_and_indexes_are_named_after_their_table() {
    let database = Database::create().await;
    let names: Vec<(String, String)> = sqlx::query_as(
        "SELECT r.relname::text, c.conname::text FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
         WHERE r.relnamespace = 'public'::regnamespace AND c.contype IN ('c', 'f', 'p', 'u')
         UNION SELECT tablename::text, indexname::text FROM pg_indexes WHERE schemaname = 'public'",
    )
    .fetch_all(database.pool())
    .await
    .expect("rows");
    assert!(names.len() > 20);
    for (table, name) in names.iter().filter(|(table, _)| table != "_sqlx_migrations") {
        let ending = name.rsplit('_').next().expect("an ending");
        assert!(name.starts_with(table.as_str()), "{name} on {table}");
        assert!(["pkey", "key", "fkey", "check", "idx"].contains(&ending), "{name} on {table}");
    }
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let database = Database::create().await;
    let unserved: Vec<String> = sqlx::query_scalar(
        "SELECT c.conname::text FROM pg_constraint c
         WHERE c.contype = 'f' AND NOT EXISTS (
             SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])",
    )
    .fetch_all(database.pool())
    .await
    .expect("rows");
    assert!(unserved.is_empty(), "{unserved:?}");
}

/// The purge of an organization deletes its row, and PostgreSQL the others.
#[tokio::test]
async fn rows_of_an_organization_are_deleted_with_it() {
    let database = Database::create().await;
    let kept = TABLES.iter().filter(|table| {
        table.erasure != Erasure::Keep && table.columns.iter().any(|column| column.name == "organization_id")
    });
    let registered: Vec<_> = kept.map(|table| table.name.to_owned()).collect();
    let cascades: Vec<String> = sqlx::query_scalar(
        "SELECT conrelid::regclass::text FROM pg_constraint
         WHERE contype = 'f' AND confrelid = 'organizations'::regclass AND confdeltype = 'c'",
    )
    .fetch_all(database.pool())
    .await
    .expect("rows");
    assert!(registered.len() >= 3);
    assert!(registered.iter().all(|table| cascades.contains(table)), "{registered:?} {cascades:?}");
}

#[tokio::test]
async fn functions_cannot_alter_the_schema() {
    let database = Database::create().await;
    for statement in [
        "DROP TABLE users",
        "ALTER TABLE users ADD COLUMN x int",
        "CREATE TABLE x (y int)",
        "DELETE FROM _sqlx_migrations",
    ] {
        let result = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("SET ROLE arches_app; {statement}")))
            .execute(database.pool())
            .await;
        let error = result.expect_err("no permission").into_database_error().expect("from the database");
        assert_eq!(error.code().as_deref(), Some("42501"), "{statement}");
    }
}

/// Executes `statement` as `role`. Returns the error code, if it is refused.
async fn refused_to(database: &Database, role: &str, statement: &str) -> Option<String> {
    let asked = sqlx::AssertSqlSafe(format!("SET ROLE {role}; {statement}"));
    let result = sqlx::raw_sql(asked).execute(database.pool()).await;
    let reset = sqlx::raw_sql("RESET ROLE").execute(database.pool()).await;
    reset.expect("the role of the owner");
    result.err()?.as_database_error()?.code().map(Into::into)
}

#[tokio::test]
async fn retention_cannot_read_secrets_add_users_or_change_legal_holds() {
    let database = Database::create().await;
    for statement in [
        "SELECT password_hash FROM users",
        "SELECT refresh_token_hash FROM sessions",
        "SELECT token_hash FROM verification_tokens",
        "SELECT token_hash FROM invitations",
        "SELECT secret_hash FROM api_keys",
        "SELECT sealed FROM idempotency_records",
        "SELECT ip_address FROM audit_events",
        "SELECT title FROM conversations",
        "SELECT content FROM messages",
        "SELECT quote FROM message_sources",
        "UPDATE messages SET content = ''",
        "UPDATE conversations SET created_by = NULL",
        "DELETE FROM users",
        "INSERT INTO users (id) VALUES (gen_random_uuid())",
        "UPDATE users SET legal_hold_at = NULL, legal_hold_reason = NULL",
        "UPDATE users SET suspended_at = NULL",
        "UPDATE sessions SET revoked_at = NULL",
        "UPDATE members SET role = 'owner'",
        "UPDATE audit_events SET actor_id = NULL",
        "INSERT INTO organizations (id) VALUES (gen_random_uuid())",
        "UPDATE organizations SET plan = 'enterprise'",
        "DELETE FROM api_keys",
        "TRUNCATE audit_events",
        "CREATE TABLE x (y int)",
        "DELETE FROM _sqlx_migrations",
    ] {
        let refused = refused_to(&database, "arches_retention", statement).await;
        assert_eq!(refused.as_deref(), Some("42501"), "{statement}");
    }
}

#[tokio::test]
async fn only_retention_can_delete_audit_events() {
    let database = Database::create().await;
    for statement in
        ["DELETE FROM audit_events", "UPDATE audit_events SET action = 'a.b'", "TRUNCATE audit_events"]
    {
        let refused = refused_to(&database, "arches_app", statement).await;
        assert_eq!(refused.as_deref(), Some("42501"), "{statement}");
    }
    let allowed =
        refused_to(&database, "arches_retention", "DELETE FROM audit_events WHERE occurred_at < now()").await;
    assert_eq!(allowed, None, "retention can delete old events");
}

#[tokio::test]
async fn operator_appoints_the_first_administrator_by_verified_address() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.person("Bob").await);
    let mut connection = owner(&app.database).await;
    for nobody in [bob.email.as_str(), "nobody@example.com"] {
        appoint(&mut connection, nobody).await.expect_err("no verified address");
    }
    let appointed = appoint(&mut connection, &ada.email.to_uppercase()).await.expect("an administrator");
    assert_eq!(appointed.user_id.to_string(), ada.id);
    let log = ada.client.get("/v1/audit-events?action=user.appointed").await.ok(200);
    assert_eq!(log.text("/data/0/targetId"), ada.id);
}

#[tokio::test]
async fn addresses_of_other_scripts_are_converted_and_collisions_are_reported() {
    let app = TestApp::new().await;
    let (ada, bob, cy, eve) =
        (app.person("Ada").await, app.person("Bob").await, app.person("Cy").await, app.person("Eve").await);
    let set = async |id: &str, email: &str| {
        let update = sqlx::query("UPDATE users SET email = $2 WHERE id = $1::uuid").bind(id).bind(email);
        update.execute(app.database.pool()).await.expect("the user exists");
    };
    set(&ada.id, "Ada@MÜNCHEN.example").await;
    set(&bob.id, "bob@münchen.example").await;
    set(&cy.id, "BOB@xn--mnchen-3ya.example").await;
    set(&eve.id, "ève@example.com").await;
    // A migration that is applied again.
    app.database.execute("DROP INDEX audit_events_action_id_idx").await;
    app.database.execute("DELETE FROM _sqlx_migrations WHERE version = 20261125000005").await;

    let report = up(&mut owner(&app.database).await).await.expect("migrations apply");

    let mut unconverted: Vec<_> =
        report.unconverted.iter().map(|row| (row.table, row.id.to_string())).collect();
    unconverted.sort();
    let mut expected = [("users", bob.id.clone()), ("users", eve.id.clone())];
    expected.sort();
    assert_eq!(unconverted, expected);
    let emails: Vec<String> = sqlx::query_scalar("SELECT email FROM users ORDER BY id")
        .fetch_all(app.database.pool())
        .await
        .expect("rows");
    let converted = [
        "Ada@xn--mnchen-3ya.example",
        "bob@münchen.example",
        "BOB@xn--mnchen-3ya.example",
        "ève@example.com",
    ];
    assert_eq!(emails, converted);
}
