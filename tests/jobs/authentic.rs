//! Only what `backup` has made is restored, whatever somebody does to the bucket. What an archive contains runs as a role without rights.

use harness::{Database, runtime_api::Function, service};
use serde_json::{Value, json};
use shared::store::restoring_role::EXTENSIONS;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::{
    backup_store::{BackupStore, JOB_TIMEOUT},
    databases::{drop_database, execute, text, unused_name},
};

/// A table whose constraint calls a function while the archive is restored.
const BAIT: &str = "CREATE FUNCTION bait(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
    CREATE TABLE baits (note text CHECK (bait(note)));
    INSERT INTO baits VALUES ('x')";
/// A trigger that notes as which role it runs.
const WITNESS: &str = "CREATE TABLE witnesses (who text);
    CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO public.witnesses VALUES (current_user), (session_user); RETURN NEW; END';
    CREATE TRIGGER witness BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION witness();
    INSERT INTO users (id, name, email, created_at, updated_at)
        VALUES ('0198a000-0000-7000-8000-000000000001', 'Ada', 'ada@example.com', now(), now());
    INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, created_at, authenticated_at,
                          last_used_at, expires_at, ends_at)
        SELECT gen_random_uuid(), id, uuid_send(id), now(), 'body', now(), now(), now(), now() + '7 d', now() + '7 d'
        FROM users";
/// The privileges in the schema, with grantor and grantee.
const PRIVILEGES: &str = "SELECT string_agg(line, ' ' ORDER BY line) FROM (
    SELECT concat_ws(':', relname, relowner::regrole, a.grantor::regrole, a.grantee::regrole, privilege_type) AS line
    FROM pg_class, aclexplode(relacl) a WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(':', nspname, a.grantor::regrole, a.grantee::regrole, privilege_type)
    FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = 'public') lines";

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

async fn backed_up() -> (Database, BackupStore, String) {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    let manifest = store.back_up().await;
    let id = manifest["id"].as_str().expect("an id").to_owned();
    (database, store, id)
}

/// Returns the entry of `list` about the backup `id`.
async fn listed(store: &BackupStore, id: &str) -> Value {
    let list = store.call_restore(json!({ "command": "list" })).await.expect("a list");
    let found = list.as_array().expect("a list").iter().find(|backup| backup["id"] == id);
    found.expect("the backup").clone()
}

/// Returns the oldest version of an object of a listed backup.
fn first_version(backup: &Value, object: &str) -> String {
    let versions = backup["versions"].as_array().expect("versions").iter();
    let mut of_object =
        versions.filter(|version| version["object"] == object && version["deleteMarker"] == false);
    of_object.next_back().expect("a version")["version"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn backup_hidden_by_delete_markers_is_noticed_and_restores_by_version() {
    let (database, store, id) = backed_up().await;
    let plain = listed(&store, &id).await;
    assert!(plain["versions"].is_null() && plain["hidden"] == false && plain["complete"] == true, "{plain}");
    let mut markers = Vec::new();
    for object in ["dump.zst", "manifest.json", "manifest.mac"] {
        let key = format!("{id}/{object}");
        markers.push((store.delete(&key).await, key));
    }
    let hidden = listed(&store, &id).await;
    assert!(hidden["hidden"] == true && hidden["complete"] == true, "{hidden}");
    assert_eq!(hidden["versions"].as_array().map(Vec::len), Some(6));
    // It is the newest: to restore an older one instead would lose data without a word.
    for event in [json!({ "command": "drill" }), json!({ "command": "drill", "backup": id })] {
        let error = store.call_restore(event).await.expect_err("hidden");
        assert!(
            error.contains("is hidden by a delete marker") && error.contains("backup-hidden.md"),
            "{error}"
        );
    }
    let version = first_version(&hidden, "manifest.json");
    let name = unused_name();
    let event =
        json!({ "command": "restore", "backup": id, "version": version, "target": store.url_of(&name) });
    let restored = store.call_restore(event).await.expect("restored");
    assert_eq!((&restored["backup"], &restored["database"]), (&json!(id), &json!(name)));
    drop_database(&database, &name).await;

    store.back_up().await;
    let error = store.drill().await.expect_err("an older backup is hidden");
    assert!(error.contains("backups are hidden by delete markers") && error.contains(&id), "{error}");
    for (marker, key) in markers {
        store.delete_version(&key, &marker).await;
    }
    store.drill().await.expect("nothing is hidden");
    let again = listed(&store, &id).await;
    assert!(again["versions"].is_null() && again["hidden"] == false, "{again}");
}

#[tokio::test]
async fn backup_that_was_written_over_is_refused_and_restores_by_version() {
    let (database, store, id) = backed_up().await;
    let forged = BackupStore::new(&database).await;
    let manifest = forged.back_up().await;
    let other = manifest["id"].as_str().expect("an id");
    for object in ["dump.zst", "manifest.json", "manifest.mac"] {
        let foreign = forged.read(&format!("{other}/{object}")).await;
        // The same key signs both here, so change what it signed.
        let foreign = if object == "manifest.mac" { vec![7; 32] } else { foreign };
        store.write(&format!("{id}/{object}"), foreign).await;
    }
    let error = store.drill().await.expect_err("written over");
    assert!(error.contains(&format!("the MAC of the manifest of {id} is wrong")), "{error}");
    let changed = listed(&store, &id).await;
    let versions = changed["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), 6, "{changed}");
    let newest = versions.iter().find(|version| version["object"] == "manifest.json").expect("a version");
    assert!(newest["current"] == true, "{changed}");
    let by = |version: &Value| json!({ "command": "drill", "backup": id, "version": version });
    let error = store.call_restore(by(&newest["version"])).await.expect_err("the forged version");
    assert!(error.contains("is wrong"), "{error}");
    let error = store.call_restore(by(&json!("no-such-version"))).await.expect_err("no version");
    assert!(error.contains("has no version"), "{error}");
    let own = json!(first_version(&changed, "manifest.json"));
    let restored = store.call_restore(by(&own)).await.expect("the version of `backup`");
    assert_eq!(restored["backup"], json!(id));
}

#[tokio::test]
async fn manifest_without_a_mac_is_restored_only_by_its_hash() {
    let (_database, store, id) = backed_up().await;
    let (key, text) = (format!("{id}/manifest.mac"), store.read(&format!("{id}/manifest.json")).await);
    for version in store.versions(&key).await {
        store.delete_version(&key, &version).await;
    }
    let error = store.drill().await.expect_err("not complete");
    assert!(error.contains("there is no backup"), "{error}");
    let drill = |sha256: Option<&str>| json!({ "command": "drill", "backup": id, "manifestSha256": sha256 });
    let error = store.call_restore(drill(None)).await.expect_err("no MAC");
    assert!(error.contains(&format!("the manifest of {id} has no MAC")), "{error}");
    let error = store.call_restore(drill(Some(&"0".repeat(64)))).await.expect_err("another hash");
    assert!(error.contains("was changed: its SHA-256 is"), "{error}");
    let hash = data_encoding::HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, &text).as_ref());
    store.call_restore(drill(Some(&hash))).await.expect("trusted by its hash");
}

#[tokio::test]
async fn nothing_is_backed_up_or_restored_while_kms_is_unavailable() {
    let (database, store, id) = backed_up().await;
    let before = store.objects().await;
    for (job, event) in [
        ("backup", json!({})),
        ("restore-drill", json!({ "command": "drill" })),
        ("restore-drill", json!({ "command": "drill", "backup": id })),
    ] {
        let mut environment = store.environment(database.owner_url());
        environment.insert("AWS_ENDPOINT_URL_KMS".to_owned(), "http://127.0.0.1:1".to_owned());
        let error = Function::start(job, environment).await.invoke_within(JOB_TIMEOUT, event).await;
        let error = error.expect_err("no KMS");
        assert!(
            error["errorMessage"].as_str().is_some_and(|text| text.contains("kms unavailable")),
            "{error}"
        );
    }
    let after = store.objects().await;
    let (left, _): (Vec<_>, Vec<_>) = after.iter().partition(|key| !before.contains(key));
    assert!(left.iter().all(|key| key.ends_with("dump.zst")), "no manifest was written: {left:?}");
}

#[tokio::test]
async fn statements_in_an_archive_have_no_rights_outside_the_scratch_database() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    sqlx::raw_sql(BAIT).execute(database.pool()).await.expect("a bait");
    let role = format!("escalated_{}", Uuid::new_v4().simple());
    let owner: String = database.value("SELECT current_user::text").await;
    for (statement, refusal) in [
        (format!("CREATE ROLE {role} SUPERUSER"), "permission denied to create role"),
        (format!("ALTER ROLE {owner} PASSWORD NULL"), "permission denied to alter role"),
        (format!("GRANT {owner} TO arches_app"), "permission denied to grant role"),
        (format!("SET ROLE {owner}"), "permission denied to set role"),
        (format!("SET SESSION AUTHORIZATION {owner}"), "permission denied to set session authorization"),
        (format!("RESET ROLE; CREATE ROLE {role}"), "permission denied to create role"),
        (format!("RESET SESSION AUTHORIZATION; CREATE ROLE {role}"), "permission denied to create role"),
        (format!("ALTER DATABASE {} SET work_mem = 64", database.name()), "must be owner of database"),
        ("COPY (SELECT 1) TO PROGRAM 'true'".to_owned(), "permission denied to COPY"),
        ("PERFORM pg_read_file('/etc/passwd')".to_owned(), "permission denied for function"),
        ("PERFORM count(*) FROM pg_authid".to_owned(), "permission denied for table pg_authid"),
    ] {
        // In the database that is backed up, the function does nothing.
        let function = format!(
            "CREATE OR REPLACE FUNCTION bait(text) RETURNS boolean LANGUAGE plpgsql AS $$
             BEGIN IF current_database() LIKE 'arches\\_drill\\_%' THEN {statement}; END IF; RETURN true; END $$"
        );
        sqlx::raw_sql(AssertSqlSafe(function)).execute(database.pool()).await.expect("a function");
        store.back_up().await;
        let error = store.drill().await.expect_err("no rights");
        assert!(error.contains(refusal), "{statement}: {error}");
    }
    let left = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'escalated\\_%'";
    assert_eq!(database.value::<i64>(left).await, 0);
}

#[tokio::test]
async fn restored_database_belongs_to_its_owner_and_its_triggers_have_run_as_another_role() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    sqlx::raw_sql(BAIT).execute(database.pool()).await.expect("a bait");
    sqlx::raw_sql(WITNESS).execute(database.pool()).await.expect("a trigger");
    // The restoring role may do this to the scratch database. It must not last: it would apply to the owner's connections.
    let function = "CREATE OR REPLACE FUNCTION bait(text) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN IF current_database() LIKE 'arches\\_drill\\_%' THEN
            EXECUTE format('ALTER DATABASE %I SET work_mem = ''6MB''', current_database());
        END IF; RETURN true; END $$";
    sqlx::raw_sql(function).execute(database.pool()).await.expect("a function");
    store.back_up().await;
    let name = unused_name();
    let url = store.url_of(&name);
    store.restore(&url).await.expect("restored");
    let mut copy = connect(&url).await;
    let who = text(&mut copy, "SELECT string_agg(DISTINCT who, ' ') FROM witnesses").await;
    assert!(who.starts_with("arches_drill_") && !who.contains(' '), "the trigger ran as {who}");
    let roles = format!("SELECT count(*)::text FROM pg_roles WHERE rolname = '{who}'");
    assert_eq!(text(&mut copy, &roles).await, "0", "the restoring role is left");
    assert_ne!(text(&mut copy, "SELECT current_setting('work_mem')").await, "6MB");
    let foreign = "SELECT count(*)::text FROM (
        SELECT datdba AS owner FROM pg_database WHERE datname = current_database()
        UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = 'public'::regnamespace) owners
        WHERE owner <> current_user::regrole";
    assert_eq!(text(&mut copy, foreign).await, "0", "something has another owner");
    let mut original = connect(&database.owner_url()).await;
    let privileges = text(&mut original, PRIVILEGES).await;
    assert!(privileges.contains("arches_app"));
    assert_eq!(text(&mut copy, PRIVILEGES).await, privileges);
    copy.close().await.expect("a clean end");
    drop_database(&database, &name).await;
}

#[tokio::test]
async fn owner_creates_only_the_extensions_of_the_migrations_for_an_archive() {
    let database = Database::create().await;
    let names = "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension";
    assert_eq!(database.value::<String>(names).await, EXTENSIONS.join(" "));
    let store = BackupStore::new(&database).await;
    let mut manifest = store.back_up().await;
    manifest["contents"]["extensions"]["file_fdw"] = json!("1.0");
    store.write_manifest(manifest["id"].as_str().expect("an id"), &manifest).await;
    let error = store.drill().await.expect_err("it reads files of the server");
    assert!(error.contains("file_fdw is not one that the migrations create"), "{error}");
}

/// On RDS the owner is no superuser either: it may create databases and roles.
#[tokio::test]
async fn owner_without_superuser_rights_restores() {
    let database = Database::create().await;
    // Here only a superuser may create them. RDS lets its owner do it.
    database.execute("DROP EXTENSION btree_gin, pg_stat_statements, vector CASCADE").await;
    let store = BackupStore::new(&database).await;
    store.back_up().await;
    let owner = format!("owner_{}", Uuid::new_v4().simple());
    let mut server = connect(&service("TEST_POSTGRES_URL")).await;
    execute(&mut server, &format!("CREATE ROLE {owner} LOGIN PASSWORD '{owner}' CREATEDB CREATEROLE")).await;
    let mut url = url::Url::parse(&store.url_of("postgres")).expect("a URL");
    url.set_username(&owner).and_then(|()| url.set_password(Some(&owner))).expect("a login");
    let name = unused_name();
    for event in [json!({ "command": "drill" }), json!({ "command": "restore", "target": name })] {
        let function = Function::start("restore-drill", store.environment(url.to_string())).await;
        function.invoke_within(JOB_TIMEOUT, event).await.expect("restored");
    }
    let find_owner = format!("SELECT datdba::regrole::text FROM pg_database WHERE datname = '{name}'");
    assert_eq!(text(&mut server, &find_owner).await, owner);
    let left = format!("SELECT count(*)::text FROM pg_auth_members WHERE member = '{owner}'::regrole");
    assert_eq!(text(&mut server, &left).await, "0", "no role is left");
    drop_database(&database, &name).await;
    execute(&mut server, &format!("DROP ROLE {owner}")).await;
}
