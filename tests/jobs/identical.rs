use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use harness::{Database, runtime_api::Function, service};
use local_stack::{
    Credentials, Interrupt, Scratch, Tools, ports,
    postgres::{self, Postgres},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::block_in_place;

use crate::{
    backup_store::{BackupStore, postgres_bin},
    databases::{execute, text},
};

/// 300,000 users, and a table with types and texts that are difficult to dump.
const FILL: [&str; 4] = [
    "INSERT INTO users (id, name, email, created_at, updated_at)
     SELECT gen_random_uuid(), 'Ada ' || i, 'ada.' || i || '@example.com', now(), now()
     FROM generate_series(1, 300000) AS i",
    "INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, created_at, authenticated_at,
                           last_used_at, expires_at, ends_at)
     SELECT gen_random_uuid(), id, uuid_send(id), now(), 'body', now(), now(), now(), now() + '7 d', now() + '7 d'
     FROM users LIMIT 1000",
    r#"CREATE TABLE "the documents" (
         id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         title     text NOT NULL,
         loud      text GENERATED ALWAYS AS (upper(title) || '!') STORED,
         embedding vector(3) NOT NULL
     )"#,
    r#"INSERT INTO "the documents" (title, embedding)
       SELECT E'tabs\t, lines\n, ''quotes'' and ünïcode ' || i, ARRAY[i % 97, i % 89, i % 83]::vector
       FROM generate_series(1, 5000) AS i"#,
];
const VECTOR_INDEX: &str =
    r#"CREATE INDEX documents_embedding_idx ON "the documents" USING hnsw (embedding vector_l2_ops)"#;

/// A separate server without databases of the application.
pub struct Server {
    pub postgres: Postgres,
    _scratch: Scratch,
}

impl Server {
    pub fn start() -> Self {
        block_in_place(|| {
            let scratch = Scratch::create().expect("a folder");
            let dir = scratch.path().to_owned();
            let credentials = Credentials::load_or_create(&dir).expect("credentials");
            let settings = postgres::Settings { dir, port: ports::free().expect("a port"), durable: false };
            let tools = Tools::at(service("TEST_TOOLS"));
            let postgres = Postgres::start(&tools, settings, &credentials, &Interrupt::default());
            Self { postgres: postgres.expect("a server"), _scratch: scratch }
        })
    }

    pub async fn connect(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.postgres.url(database)).await.expect("a connection")
    }
}

/// Returns the number of rows of every table, and a hash of their contents.
async fn content(connection: &mut PgConnection) -> BTreeMap<String, String> {
    let tables = "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *connection).await.expect("tables");
    let mut content = BTreeMap::new();
    for table in tables {
        let query = format!(
            "SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {table} t"
        );
        content.insert(table, text(connection, &query).await);
    }
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn large_database_is_restored_identical_and_usable() {
    let database = Database::create().await;
    for statement in FILL {
        database.execute(statement).await;
    }
    database.execute(VECTOR_INDEX).await;
    let mut original = PgConnection::connect(&database.owner_url()).await.expect("a connection");
    let store = BackupStore::new(&database).await;
    let manifest = store.back_up().await;
    assert_eq!(manifest["contents"]["tables"]["public.users"], 300_000);
    assert_eq!(manifest["contents"]["sequences"]["public.\"the documents_id_seq\""], 5000);

    let server = Server::start();
    let mut maintenance = server.connect("postgres").await;
    for role in ["arches_api", "arches_app", "arches_janitor", "arches_retention", "arches_backup"] {
        execute(&mut maintenance, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    }
    let target = server.postgres.url("brought_back");
    let restored = store.restore(&target).await.expect("restored");
    assert_eq!(restored["database"], "brought_back");
    assert!(restored["rows"].as_i64().is_some_and(|rows| rows > 306_000), "{restored}");

    let mut copy = server.connect("brought_back").await;
    let live = "SELECT count(*)::text FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(
        text(&mut copy, live).await,
        "0",
        "sessions are not valid again, because they may have ended since"
    );
    // Everything else is the same.
    execute(&mut copy, "UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL").await;
    assert_eq!(content(&mut copy).await, content(&mut original).await);

    let next =
        r#"INSERT INTO "the documents" (title, embedding) VALUES ('new', '[0,0,0]') RETURNING id || loud"#;
    assert_eq!(text(&mut copy, next).await, "5001NEW!");
    execute(&mut copy, "SET enable_seqscan = off").await;
    let nearest = r#"SELECT title FROM "the documents" ORDER BY embedding <-> '[0,0,0]' LIMIT 1"#;
    let plan = sqlx::query_scalar::<_, String>(AssertSqlSafe(format!("EXPLAIN {nearest}")));
    let plan = plan.fetch_all(&mut copy).await.expect("a plan").join("\n");
    assert!(plan.contains("documents_embedding_idx"), "{plan}");
    assert_eq!(text(&mut copy, nearest).await, "new");
    let granted = "SELECT has_table_privilege('arches_app', 'users', 'INSERT')::text || has_table_privilege('arches_app', 'audit_events', 'DELETE')::text";
    assert_eq!(text(&mut copy, granted).await, "truefalse");

    let before = content(&mut copy).await;
    let error = store.restore(&target).await.expect_err("the target is not empty");
    assert!(error.contains("brought_back is not empty"), "{error}");
    assert_eq!(content(&mut copy).await, before);
}

#[tokio::test]
async fn memory_does_not_grow_with_the_database() {
    let database = Database::create().await;
    database.execute("CREATE TABLE noise (bytes bytea)").await;
    // 192 MiB that cannot be compressed.
    database
        .execute(
            "INSERT INTO noise SELECT string_agg(sha512((i || '.' || j)::bytea), '') FROM generate_series(1, 192) AS i,
             generate_series(1, 16384) AS j GROUP BY i",
        )
        .await;
    let store = BackupStore::new(&database).await;
    let time = Duration::from_mins(3);
    let backup = store.backup_function().await;
    let answer = backup.invoke_within(time, json!({})).await.expect("a backup");
    assert!(answer["manifest"]["size"].as_u64().is_some_and(|size| size > 192 << 20), "{answer}");
    let restore = store.restore_function().await;
    restore.invoke_within(time, json!({ "command": "drill" })).await.expect("restored");
    let plain = seconds_of_a_plain_dump(&database.owner_url());
    eprintln!("pg_dump > /dev/null {plain:.2} s, backup {} s", answer["manifest"]["seconds"]);
    for (name, function) in [("backup", &backup), ("restore-drill", &restore)] {
        let peak = peak_memory(function);
        eprintln!("{name}: {peak} KiB");
        assert!(peak < 128 << 10, "{name}: {peak} KiB");
    }
}

/// Measures a plain dump, for comparison. It is only printed.
fn seconds_of_a_plain_dump(url: &str) -> f64 {
    let begin = Instant::now();
    let mut dump = Command::new(postgres_bin().join("pg_dump"));
    let status =
        dump.args(["--format=custom", "--compress=0", "--dbname", url]).stdout(Stdio::null()).status();
    assert!(status.expect("pg_dump").success());
    begin.elapsed().as_secs_f64()
}

/// Returns the peak memory in KiB (proc(5), `VmHWM`).
fn peak_memory(function: &Function) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.pid())).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak memory");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}
