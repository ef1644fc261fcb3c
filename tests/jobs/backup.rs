use std::time::Duration;

use backup::RESERVE;
use harness::{Database, runtime_api::Function};
use serde_json::{Value, json};

use crate::vault::{TIME, Vault};

/// Some thousand rows, so that a dump can be cut in many places.
const FILL: &str = "INSERT INTO users (id, name, email, created_at, updated_at)
    SELECT gen_random_uuid(), 'Ada ' || i, 'ada.' || i || '@example.com', now(), now()
    FROM generate_series(1, 3000) AS i";
/// Backups of long ago, one of which was restored.
const OLD: [&str; 2] = ["2025-01-01T00-00-00.000Z-00000000", "2025-01-02T00-00-00.000Z-00000000"];

async fn filled() -> (Database, Vault) {
    let database = Database::create().await;
    database.execute(FILL).await;
    let vault = Vault::of(&database).await;
    (database, vault)
}

fn metric(function: &Function, name: &str) -> Option<f64> {
    let log = function.log();
    let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line[name][0].as_f64()).next_back()
}

#[tokio::test]
async fn a_backup_is_an_archive_and_a_manifest_that_says_what_is_in_it() {
    let (database, vault) = filled().await;
    let backup = vault.backup_function().await;
    let answer = backup.invoke_within(TIME, json!({})).await.expect("a backup");
    let manifest = &answer["manifest"];
    let id = manifest["id"].as_str().expect("an id");
    assert_eq!(vault.objects().await, [format!("{id}/dump.zst"), format!("{id}/manifest.json")]);
    assert_eq!(vault.unfinished().await, 0);
    let written: Value =
        serde_json::from_slice(&vault.read(&format!("{id}/manifest.json")).await).expect("JSON");
    assert_eq!(&written, manifest);

    let archive = vault.read(&format!("{id}/dump.zst")).await;
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
    assert!(manifest["dump"].as_str().expect("a version").starts_with("pg_dump (PostgreSQL)"));

    backup.log_line(|line| line.contains("job done")).await;
    backup.log_line(|line| line.contains("LastBackupAge")).await;
    assert!(metric(&backup, "BackupBytes").is_some_and(|bytes| bytes > 0.0));
    assert_eq!(metric(&backup, "LastVerifiedBackupAge"), None, "none was ever restored");
}

#[tokio::test]
async fn a_dump_that_goes_wrong_in_any_way_leaves_everything_as_it_was_and_is_heard_of() {
    let (_database, mut vault) = filled().await;
    let first = vault.back_up().await;
    for id in OLD {
        for name in ["dump.zst", "manifest.json"] {
            vault.write(&format!("{id}/{name}"), b"{}".to_vec()).await;
        }
    }
    // However busy the machine was: the time below is enough for it.
    let key = format!("{}/manifest.json", first["id"].as_str().expect("an id"));
    let mut quick = first.clone();
    quick["seconds"] = json!(0.1);
    vault.write(&key, quick.to_string().into_bytes()).await;
    let before = vault.objects().await;
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
        (
            "echo 'pg_dump: error: no such thing\nDETAIL:  planted row' >&2\nexit 1".to_owned(),
            "no such thing",
        ),
    ] {
        vault.dump_with(&script);
        let backup = vault.backup_function().await;
        let time = Duration::from_secs(if reason.contains("deadline") { 5 } else { 60 }) + RESERVE;
        let error = backup.invoke_within(time, json!({})).await.expect_err("no backup");
        let message = error["errorMessage"].as_str().expect("a reason");
        assert!(message.contains(reason), "{message}");
        assert_eq!(vault.objects().await, before, "{script}");
        assert_eq!(vault.unfinished().await, 0, "{script}");
        backup.log_line(|line| line.contains("job failed") && line.contains("\"ERROR\"")).await;
        backup.log_line(|line| line.contains("LastBackupAge")).await;
        assert_eq!(metric(&backup, "BackupBytes"), None);
        assert!(!backup.log().concat().contains("planted"));
    }
    vault.dump_as_always();
    let restored = vault.drill().await.expect("the previous backup still restores");
    assert_eq!(restored["backup"], first["id"]);
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_is_refused_before_anything_is_begun() {
    let (database, vault) = filled().await;
    let backup = vault.backup_function().await;
    let time = RESERVE + Duration::from_millis(300);
    let error = backup.invoke_within(time, json!({})).await.expect_err("too large for so little time");
    let message = error["errorMessage"].as_str().expect("a reason");
    assert!(message.contains("to dump") && message.contains("docs/operations/backup.md"), "{message}");

    let mut environment = vault.environment(database.owner_url());
    environment.insert("POSTGRES_BIN".to_owned(), "/nowhere".to_owned());
    let error = Function::start("backup", environment)
        .await
        .invoke_within(TIME, json!({}))
        .await
        .expect_err("no pg_dump");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("pg_dump does not start"), "{error}");

    let away = "postgresql://nobody:planted-password@127.0.0.1:1/none".to_owned();
    let function = Function::start("backup", vault.environment(away)).await;
    function.invoke_within(TIME, json!({})).await.expect_err("no database");
    function.log_line(|line| line.contains("job failed")).await;
    assert!(!function.log().concat().contains("planted-password"));

    let mut environment = vault.environment(database.owner_url());
    environment.insert("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:1".to_owned());
    let error =
        Function::start("backup", environment).await.invoke_within(TIME, json!({})).await.expect_err("no S3");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("s3 unavailable"), "{error}");

    let error =
        backup.invoke_within(TIME, json!({ "everything": true })).await.expect_err("an unknown event");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("invalid event"), "{error}");
    assert!(vault.objects().await.is_empty() && vault.unfinished().await == 0);
}

#[tokio::test]
async fn backups_of_more_than_thirty_days_go_but_not_the_last_ones_that_were_restored() {
    let (_database, vault) = filled().await;
    let [verified, other] = OLD;
    for name in ["dump.zst", "manifest.json", "verified.json"] {
        vault.write(&format!("{verified}/{name}"), b"{}".to_vec()).await;
        if name != "verified.json" {
            vault.write(&format!("{other}/{name}"), b"{}".to_vec()).await;
        }
    }
    vault.write("2025-01-03T00-00-00.000Z-00000000/dump.zst", b"half".to_vec()).await;
    vault.write("not-ours.txt", b"kept".to_vec()).await;
    let backup = vault.backup_function().await;
    let answer = backup.invoke_within(TIME, json!({})).await.expect("a backup");
    assert_eq!(answer["removed"], json!([other, "2025-01-03T00-00-00.000Z-00000000"]));
    let objects = vault.objects().await;
    assert_eq!(objects.iter().filter(|key| key.starts_with(verified)).count(), 3, "{objects:?}");
    assert!(objects.contains(&"not-ours.txt".to_owned()) && objects.len() == 6, "{objects:?}");
    backup.log_line(|line| line.contains("LastVerifiedBackupAge")).await;
    assert!(metric(&backup, "LastVerifiedBackupAge").is_some_and(|age| age > 86_400.0));
}

#[tokio::test]
async fn an_instance_that_failed_tells_no_old_figures_and_succeeds_again() {
    let (_database, mut vault) = filled().await;
    vault.dump_with("[ -e \"$0.fail\" ] && exit 1\nexec \"$real\" \"$@\"");
    let backup = vault.backup_function().await;
    backup.invoke_within(TIME, json!({})).await.expect("a backup");
    let figures = |backup: &Function| {
        let log = backup.log();
        log.iter().filter(|line| line.contains("\"BackupBytes\":")).count()
    };
    backup.log_line(|line| line.contains("\"BackupBytes\":")).await;
    let marker = vault.fail_from_now_on();
    backup.invoke_within(TIME, json!({})).await.expect_err("no backup");
    backup.log_line(|line| line.contains("job failed")).await;
    std::fs::remove_file(marker).expect("removed");
    backup.invoke_within(TIME, json!({})).await.expect("a backup");
    let done = async || backup.log().iter().filter(|line| line.contains("job done")).count();
    while done().await < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(figures(&backup), 2, "one for each that was made");
}
