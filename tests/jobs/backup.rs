use std::time::Duration;

use backup::RESERVE;
use harness::{Database, runtime_api::Function};
use serde_json::{Value, json};

use crate::backup_store::{BackupStore, JOB_TIMEOUT};

/// Thousands of rows, so that a dump can be cut in many places.
const FILL: &str = "INSERT INTO users (id, name, email, created_at, updated_at)
    SELECT gen_random_uuid(), 'Ada ' || i, 'ada.' || i || '@example.com', now(), now()
    FROM generate_series(1, 3000) AS i";
/// Old backups. One of them is verified.
const OLD: [&str; 2] = ["2025-01-01T00-00-00.000Z-00000000", "2025-01-02T00-00-00.000Z-00000000"];

async fn filled() -> (Database, BackupStore) {
    let database = Database::create().await;
    database.execute(FILL).await;
    let store = BackupStore::new(&database).await;
    (database, store)
}

fn metric(function: &Function, name: &str) -> Option<f64> {
    let log = function.log();
    let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line[name][0].as_f64()).next_back()
}

#[tokio::test]
async fn backup_is_an_archive_and_a_manifest_of_its_contents() {
    let (database, store) = filled().await;
    let backup = store.backup_function().await;
    let answer = backup.invoke_within(JOB_TIMEOUT, json!({})).await.expect("a backup");
    let manifest = &answer["manifest"];
    let id = manifest["id"].as_str().expect("an id");
    assert_eq!(store.objects().await, [format!("{id}/dump.zst"), format!("{id}/manifest.json")]);
    assert_eq!(store.open_uploads().await, 0);
    let written: Value =
        serde_json::from_slice(&store.read(&format!("{id}/manifest.json")).await).expect("JSON");
    assert_eq!(&written, manifest);

    let archive = store.read(&format!("{id}/dump.zst")).await;
    assert_eq!(manifest["size"], archive.len());
    let hash = data_encoding::HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, &archive).as_ref());
    assert_eq!(manifest["sha256"], *hash);
    // RFC 8878, 3.1.1: the frame's magic number, and the flag that a checksum follows.
    assert_eq!(archive[..4], [0x28, 0xB5, 0x2F, 0xFD]);
    assert_eq!(archive[4] & 0b100, 0b100);
    assert_eq!(manifest["contents"]["tables"]["public.users"], 3000);
    assert_eq!(manifest["contents"]["tables"]["public.sessions"], 0);
    let newest: i64 = database.value("SELECT max(version) FROM _sqlx_migrations").await;
    assert_eq!(manifest["contents"]["migration"], newest);
    assert!(manifest["contents"]["extensions"]["vector"].is_string());
    assert!(manifest["contents"]["roles"].as_array().expect("roles").contains(&json!("arches_app")));
    assert_eq!(manifest["database"]["encoding"], "UTF8");
    assert!(manifest["dump"].as_str().expect("a version").starts_with("pg_dump (PostgreSQL)"));

    backup.log_line(|line| line.contains("job done")).await;
    backup.log_line(|line| line.contains("LastBackupAge")).await;
    assert!(metric(&backup, "BackupBytes").is_some_and(|bytes| bytes > 0.0));
    assert_eq!(metric(&backup, "LastVerifiedBackupAge"), None, "no backup was verified");
}

#[tokio::test]
async fn failed_dump_changes_nothing_and_is_reported() {
    let (_database, mut store) = filled().await;
    let first = store.back_up().await;
    for id in OLD {
        for name in ["dump.zst", "manifest.json"] {
            store.write(&format!("{id}/{name}"), b"{}".to_vec()).await;
        }
    }
    // The recorded duration is short, so the time limit below is sufficient even if this machine is slow.
    let key = format!("{}/manifest.json", first["id"].as_str().expect("an id"));
    let mut quick = first.clone();
    quick["seconds"] = json!(0.1);
    store.write(&key, quick.to_string().into_bytes()).await;
    let before = store.objects().await;
    let whole = "size=$(\"$real\" \"$@\" | /usr/bin/wc -c)";
    let cut = |at: &str| format!("{whole}\n\"$real\" \"$@\" | /usr/bin/head -c $(({at}))");
    let (half, most, nearly) = (cut("size / 2"), cut("size * 9 / 10"), cut("size - 1"));
    for (script, reason) in [
        (format!("{half}\nexit 1"), "pg_dump failed (exit status: 1)"),
        (format!("{half}\nkill -9 $$"), "pg_dump failed (signal: 9"),
        (format!("{half}\nexec sleep 600"), "deadline exceeded"),
        ("exec sleep 600".to_owned(), "deadline exceeded"),
        ("exit 0".to_owned(), "reading along, failed"),
        (half, "reading along, failed"),
        (most, "reading along, failed"),
        (nearly, "reading along, failed"),
        (format!("{}\nexit 0", cut("100")), "reading along, failed"),
        (
            "echo 'this is no archive, and there are more than a few bytes of it'".to_owned(),
            "reading along, failed",
        ),
        ("\"$real\" \"$@\"\nexit 3".to_owned(), "pg_dump failed (exit status: 3)"),
        ("echo 'pg_dump: error: no such thing\nDETAIL:  canary row' >&2\nexit 1".to_owned(), "no such thing"),
    ] {
        store.replace_pg_dump(&script);
        let backup = store.backup_function().await;
        let time = Duration::from_secs(if reason.contains("deadline") { 5 } else { 60 }) + RESERVE;
        let error = backup.invoke_within(time, json!({})).await.expect_err("no backup");
        let message = error["errorMessage"].as_str().expect("a reason");
        assert!(message.contains(reason), "{message}");
        assert_eq!(store.objects().await, before, "{script}");
        assert_eq!(store.open_uploads().await, 0, "{script}");
        backup.log_line(|line| line.contains("job failed") && line.contains("\"ERROR\"")).await;
        backup.log_line(|line| line.contains("LastBackupAge")).await;
        assert_eq!(metric(&backup, "BackupBytes"), None);
        assert!(!backup.log().concat().contains("canary"));
    }
    store.reset_pg_dump();
    let restored = store.drill().await.expect("the previous backup still restores");
    assert_eq!(restored["backup"], first["id"]);
}

#[tokio::test]
async fn impossible_backup_is_refused_before_it_starts() {
    let (database, store) = filled().await;
    let backup = store.backup_function().await;
    let time = RESERVE + Duration::from_millis(300);
    let error = backup.invoke_within(time, json!({})).await.expect_err("not enough time");
    let message = error["errorMessage"].as_str().expect("a reason");
    assert!(message.contains("to dump") && message.contains("docs/operations/backup.md"), "{message}");

    let mut environment = store.environment(database.owner_url());
    environment.insert("POSTGRES_BIN".to_owned(), "/nowhere".to_owned());
    let error = Function::start("backup", environment)
        .await
        .invoke_within(JOB_TIMEOUT, json!({}))
        .await
        .expect_err("no pg_dump");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("pg_dump does not start"), "{error}");

    let away = "postgresql://nobody:canary-password@127.0.0.1:1/none".to_owned();
    let function = Function::start("backup", store.environment(away)).await;
    function.invoke_within(JOB_TIMEOUT, json!({})).await.expect_err("no database");
    function.log_line(|line| line.contains("job failed")).await;
    assert!(!function.log().concat().contains("canary-password"));

    let mut environment = store.environment(database.owner_url());
    environment.insert("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:1".to_owned());
    let error = Function::start("backup", environment)
        .await
        .invoke_within(JOB_TIMEOUT, json!({}))
        .await
        .expect_err("no S3");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("s3 unavailable"), "{error}");

    let error =
        backup.invoke_within(JOB_TIMEOUT, json!({ "everything": true })).await.expect_err("an unknown event");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("invalid event"), "{error}");
    assert!(store.objects().await.is_empty() && store.open_uploads().await == 0);
}

#[tokio::test]
async fn backups_older_than_30_days_are_deleted_except_the_last_verified() {
    let (_database, store) = filled().await;
    let [verified, other] = OLD;
    for name in ["dump.zst", "manifest.json", "verified.json"] {
        store.write(&format!("{verified}/{name}"), b"{}".to_vec()).await;
        if name != "verified.json" {
            store.write(&format!("{other}/{name}"), b"{}".to_vec()).await;
        }
    }
    store.write("2025-01-03T00-00-00.000Z-00000000/dump.zst", b"half".to_vec()).await;
    store.write("not-ours.txt", b"kept".to_vec()).await;
    let backup = store.backup_function().await;
    let answer = backup.invoke_within(JOB_TIMEOUT, json!({})).await.expect("a backup");
    assert_eq!(answer["removed"], json!([other, "2025-01-03T00-00-00.000Z-00000000"]));
    let objects = store.objects().await;
    assert_eq!(objects.iter().filter(|key| key.starts_with(verified)).count(), 3, "{objects:?}");
    assert!(objects.contains(&"not-ours.txt".to_owned()) && objects.len() == 6, "{objects:?}");
    backup.log_line(|line| line.contains("LastVerifiedBackupAge")).await;
    assert!(metric(&backup, "LastVerifiedBackupAge").is_some_and(|age| age > 86_400.0));
}

#[tokio::test]
async fn failed_instance_repeats_no_old_metrics_and_succeeds_again() {
    let (_database, mut store) = filled().await;
    store.replace_pg_dump("[ -e \"$0.fail\" ] && exit 1\nexec \"$real\" \"$@\"");
    let backup = store.backup_function().await;
    backup.invoke_within(JOB_TIMEOUT, json!({})).await.expect("a backup");
    let figures = |backup: &Function| {
        let log = backup.log();
        log.iter().filter(|line| line.contains("\"BackupBytes\":")).count()
    };
    backup.log_line(|line| line.contains("\"BackupBytes\":")).await;
    let marker = store.create_fail_marker();
    backup.invoke_within(JOB_TIMEOUT, json!({})).await.expect_err("no backup");
    backup.log_line(|line| line.contains("job failed")).await;
    std::fs::remove_file(marker).expect("removed");
    backup.invoke_within(JOB_TIMEOUT, json!({})).await.expect("a backup");
    let done = async || backup.log().iter().filter(|line| line.contains("job done")).count();
    while done().await < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(figures(&backup), 2, "once for each backup");
}
