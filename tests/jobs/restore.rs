use std::{collections::BTreeMap, time::Duration};

use harness::{Database, runtime_api::Function, service};
use local_stack::{
    Credentials, Interrupt, Scratch, Tools, ports,
    postgres::{self, Postgres},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::block_in_place;

use crate::vault::Vault;

/// 300,000 people; and a table with all that a dump may get wrong.
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

/// A server of its own, with nothing on it that an application brings.
struct Server {
    postgres: Postgres,
    _scratch: Scratch,
}

impl Server {
    fn start() -> Self {
        block_in_place(|| {
            let scratch = Scratch::create().expect("a folder");
            let dir = scratch.path().to_owned();
            let credentials = Credentials::kept_in(&dir).expect("credentials");
            let settings = postgres::Settings { dir, port: ports::free().expect("a port"), durable: false };
            let tools = Tools::at(service("TEST_TOOLS"));
            let postgres = Postgres::start(&tools, settings, &credentials, &Interrupt::default());
            Self { postgres: postgres.expect("a server"), _scratch: scratch }
        })
    }

    async fn connect(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.postgres.url(database)).await.expect("a connection")
    }
}

async fn execute(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.expect("a valid statement");
}

async fn text(connection: &mut PgConnection, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(connection).await.expect("one value")
}

/// The number of rows of every table, and a hash of all that is in them.
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
async fn a_large_database_is_the_same_on_an_empty_server_and_goes_on_from_there() {
    let database = Database::create().await;
    for statement in FILL {
        database.execute(statement).await;
    }
    database.execute(VECTOR_INDEX).await;
    let mut original = PgConnection::connect(&database.owner_url()).await.expect("a connection");
    let vault = Vault::of(database).await;
    let manifest = vault.back_up().await;
    assert_eq!(manifest["contents"]["tables"]["public.users"], 300_000);
    assert_eq!(manifest["contents"]["sequences"]["public.\"the documents_id_seq\""], 5000);

    let server = Server::start();
    let mut maintenance = server.connect("postgres").await;
    for role in ["arches_api", "arches_app", "arches_janitor", "arches_retention", "arches_backup"] {
        execute(&mut maintenance, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    }
    let target = server.postgres.url("brought_back");
    let restored = vault.restore(&target).await.expect("restored");
    assert_eq!(restored["database"], "brought_back");
    assert!(restored["rows"].as_i64().is_some_and(|rows| rows > 306_000), "{restored}");

    let mut copy = server.connect("brought_back").await;
    let live = "SELECT count(*)::text FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(
        text(&mut copy, live).await,
        "0",
        "sessions that may have been ended since are not alive again"
    );
    // Apart from that everything is the same.
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
    let error = vault.restore(&target).await.expect_err("it is not empty any more");
    assert!(error.contains("brought_back is not empty"), "{error}");
    assert_eq!(content(&mut copy).await, before);
}

/// The name of a database that is not there.
fn unused() -> String {
    format!("unused_{}", uuid::Uuid::new_v4().simple())
}

async fn filled() -> Vault {
    let database = Database::create().await;
    database.execute("INSERT INTO users (id, name, email, created_at, updated_at)
        SELECT gen_random_uuid(), 'Ada ' || i, 'ada.' || i || '@example.com', now(), now() FROM generate_series(1, 3000) AS i").await;
    Vault::of(database).await
}

impl Vault {
    fn on_the_same_server(&self, name: &str) -> String {
        self.database.owner_url().replace(self.database.name(), name)
    }

    async fn has(&self, name: &str) -> bool {
        let query =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(name);
        query.fetch_one(self.database.pool()).await.expect("an answer")
    }
}

#[tokio::test]
async fn a_backup_that_is_not_what_its_manifest_says_is_refused_before_the_target_is_touched() {
    let vault = filled().await;
    let (first, second) = (vault.back_up().await, vault.back_up().await);
    let id = second["id"].as_str().expect("an id");
    let [dump, manifest] = ["dump.zst", "manifest.json"].map(|name| format!("{id}/{name}"));
    let (archive, text) = (vault.read(&dump).await, vault.read(&manifest).await);
    let foreign = vault.read(&format!("{}/manifest.json", first["id"].as_str().expect("an id"))).await;
    let flipped = |at: usize| {
        let mut archive = archive.clone();
        archive[at] ^= 1;
        archive
    };
    let other = |change: &dyn Fn(&mut Value)| {
        let mut manifest: Value = serde_json::from_slice(&text).expect("JSON");
        change(&mut manifest);
        manifest.to_string().into_bytes()
    };
    let last = archive.len() - 1;
    for (key, bytes, reason) in [
        (&dump, flipped(0), "was changed"),
        (&dump, flipped(last / 2), "was changed"),
        (&dump, flipped(last), "was changed"),
        (&dump, archive[..last].to_vec(), "bytes instead of"),
        (&dump, archive[..1].to_vec(), "bytes instead of"),
        (&dump, [archive.as_slice(), b"x"].concat(), "bytes instead of"),
        (&manifest, foreign.clone(), "is that of"),
        (&manifest, text[..text.len() / 2].to_vec(), "cannot be read"),
        (&manifest, other(&|manifest| manifest["format"] = json!(2)), "unknown form"),
        (&manifest, other(&|manifest| manifest["sha256"] = first["sha256"].clone()), "was changed"),
    ] {
        vault.write(key, bytes).await;
        let name = unused();
        let error = vault.restore(&vault.on_the_same_server(&name)).await.expect_err("refused");
        assert!(error.contains(reason), "{reason}: {error}");
        assert!(!vault.has(&name).await, "{reason}: the target was made");
        let error = vault.drill().await.expect_err("refused");
        assert!(error.contains(reason), "{reason}: {error}");
        vault.write(&dump, archive.clone()).await;
        vault.write(&manifest, text.clone()).await;
    }
    vault.remove(&dump).await;
    assert!(vault.drill().await.expect_err("refused").contains("is gone"));
    assert!(vault.objects().await.iter().all(|key| !key.ends_with("verified.json")));
    let older = json!({ "command": "drill", "backup": first["id"] });
    vault.ask(older).await.expect("the one before it is as good as it was");
}

#[tokio::test]
async fn a_restore_that_fails_midway_leaves_an_empty_database() {
    let vault = filled().await;
    let manifest = vault.back_up().await;
    // An archive whose manifest agrees with it, though it is cut.
    let id = manifest["id"].as_str().expect("an id");
    let archive =
        zstd::decode_all(vault.read(&format!("{id}/dump.zst")).await.as_slice()).expect("an archive");
    let cut = zstd::encode_all(&archive[..archive.len() * 9 / 10], 1).expect("compressed");
    let mut agreeing = manifest.clone();
    agreeing["size"] = json!(cut.len());
    agreeing["sha256"] =
        json!(data_encoding::HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, &cut).as_ref()));
    vault.write(&format!("{id}/dump.zst"), cut).await;
    vault.write(&format!("{id}/manifest.json"), agreeing.to_string().into_bytes()).await;
    let name = unused();
    let url = vault.on_the_same_server(&name);
    let error = vault.restore(&url).await.expect_err("cut");
    assert!(error.contains("pg_restore failed"), "{error}");
    let mut target = PgConnection::connect(&url).await.expect("a connection");
    assert_eq!(
        text(&mut target, "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'").await,
        "0"
    );
    target.close().await.expect("a clean end");
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name}")))
        .execute(vault.database.pool())
        .await
        .expect("dropped");
}

#[tokio::test]
async fn what_is_restored_and_differs_from_the_manifest_is_not_verified() {
    let vault = filled().await;
    let manifest = vault.back_up().await;
    let key = format!("{}/manifest.json", manifest["id"].as_str().expect("an id"));
    let mut lying = manifest;
    lying["contents"]["tables"]["public.users"] = json!(3001);
    lying["contents"]["tables"]["public.gone"] = json!(1);
    lying["contents"]["extensions"]["postgis"] = json!("3");
    lying["contents"]["migration"] = json!(1);
    vault.write(&key, lying.to_string().into_bytes()).await;
    let error = vault.drill().await.expect_err("it differs");
    for difference in ["public.users has 3000 rows instead of 3001", "public.gone", "postgis", "migration"] {
        assert!(error.contains(difference), "{difference}: {error}");
    }
    assert!(vault.objects().await.iter().all(|key| !key.ends_with("verified.json")));
}

#[tokio::test]
async fn a_drill_restores_the_newest_backup_marks_it_and_leaves_nothing_behind() {
    let vault = filled().await;
    let error = vault.drill().await.expect_err("there is none");
    assert!(error.contains("there is no backup"), "{error}");
    vault.back_up().await;
    let newest = vault.back_up().await;
    let function = vault.restore_function().await;
    let answer = function.invoke(json!({ "command": "drill" })).await.expect("restored");
    assert_eq!(answer["backup"], newest["id"]);
    let scratch = answer["database"].as_str().expect("a name");
    assert!(scratch.starts_with("arches_drill_") && !vault.has(scratch).await, "{scratch} is left");
    for metric in ["RestoreSeconds", "LastVerifiedBackupAge", "LastBackupAge"] {
        function.log_line(|line| line.contains(metric)).await;
    }
    vault.drill().await.expect("restored once more");
    let list = vault.ask(json!({ "command": "list" })).await.expect("a list");
    let verified: Vec<_> = list.as_array().expect("a list").iter().map(|one| &one["verified"]).collect();
    assert_eq!(verified, [&json!(false), &json!(true)]);
}

#[tokio::test]
async fn the_memory_of_a_backup_and_of_a_restore_does_not_grow_with_the_database() {
    let database = Database::create().await;
    database.execute("CREATE TABLE noise (bytes bytea)").await;
    // 192 MiB that cannot be compressed.
    database
        .execute(
            "INSERT INTO noise SELECT string_agg(sha512((i || '.' || j)::bytea), '') FROM generate_series(1, 192) AS i,
             generate_series(1, 16384) AS j GROUP BY i",
        )
        .await;
    let vault = Vault::of(database).await;
    let time = Duration::from_mins(3);
    let backup = vault.backup_function().await;
    let answer = backup.invoke_within(time, json!({})).await.expect("a backup");
    assert!(answer["manifest"]["size"].as_u64().is_some_and(|size| size > 192 << 20), "{answer}");
    let restore = vault.restore_function().await;
    restore.invoke_within(time, json!({ "command": "drill" })).await.expect("restored");
    for function in [&backup, &restore] {
        let peak = peak_memory(function);
        assert!(peak < 100 << 10, "{peak} KiB");
    }
}

/// In KiB, as Linux counts it (proc(5), `VmHWM`).
fn peak_memory(function: &Function) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.pid())).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak memory");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}
