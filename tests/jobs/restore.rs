use harness::Database;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    backup_store::{BackupStore, JOB_TIMEOUT},
    databases::{create_database, drop_database, unused_name},
};

async fn filled() -> (Database, BackupStore) {
    let database = Database::create().await;
    database.execute("INSERT INTO users (id, name, email, created_at, updated_at)
        SELECT gen_random_uuid(), 'Ada ' || i, 'ada.' || i || '@example.com', now(), now() FROM generate_series(1, 3000) AS i").await;
    let store = BackupStore::new(&database).await;
    (database, store)
}

async fn exists(database: &Database, name: &str) -> bool {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(name);
    query.fetch_one(database.pool()).await.expect("an answer")
}

#[tokio::test]
async fn backup_that_differs_from_its_manifest_is_refused_before_the_target_is_created() {
    let (database, store) = filled().await;
    let (first, second) = (store.back_up().await, store.back_up().await);
    let id = second["id"].as_str().expect("an id");
    let [dump, manifest] = ["dump.zst", "manifest.json"].map(|name| format!("{id}/{name}"));
    let (archive, text) = (store.read(&dump).await, store.read(&manifest).await);
    let foreign = store.read(&format!("{}/manifest.json", first["id"].as_str().expect("an id"))).await;
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
        (&manifest, other(&|manifest| manifest["format"] = json!(99)), "unknown form"),
        (&manifest, other(&|manifest| manifest["sha256"] = json!("0".repeat(64))), "was changed"),
    ] {
        store.write(key, bytes).await;
        let name = unused_name();
        let error = store.restore(&store.url_of(&name)).await.expect_err("refused");
        assert!(error.contains(reason), "{reason}: {error}");
        assert!(!exists(&database, &name).await, "{reason}: the target was created");
        let error = store.drill().await.expect_err("refused");
        assert!(error.contains(reason), "{reason}: {error}");
        store.write(&dump, archive.clone()).await;
        store.write(&manifest, text.clone()).await;
    }
    store.delete(&dump).await;
    assert!(store.drill().await.expect_err("refused").contains("is gone"));
    assert!(store.objects().await.iter().all(|key| !key.ends_with("verified.json")));
    let older = json!({ "command": "drill", "backup": first["id"] });
    store.call_restore(older).await.expect("the backup before it can still be restored");
}

#[tokio::test]
async fn failed_restore_leaves_nothing() {
    let (database, store) = filled().await;
    let manifest = store.back_up().await;
    // A cut archive with a manifest that matches it.
    let id = manifest["id"].as_str().expect("an id");
    let archive =
        zstd::decode_all(store.read(&format!("{id}/dump.zst")).await.as_slice()).expect("an archive");
    let cut = zstd::encode_all(&archive[..archive.len() * 9 / 10], 1).expect("compressed");
    let mut agreeing = manifest.clone();
    agreeing["size"] = json!(cut.len());
    agreeing["sha256"] =
        json!(data_encoding::HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, &cut).as_ref()));
    store.write(&format!("{id}/dump.zst"), cut).await;
    store.write(&format!("{id}/manifest.json"), agreeing.to_string().into_bytes()).await;
    let name = unused_name();
    let url = store.url_of(&name);
    let error = store.restore(&url).await.expect_err("cut");
    assert!(error.contains("pg_restore failed"), "{error}");
    assert!(!exists(&database, &name).await, "the target was created");
}

#[tokio::test]
async fn restore_that_differs_from_the_manifest_is_not_verified() {
    let (database, store) = filled().await;
    let manifest = store.back_up().await;
    let key = format!("{}/manifest.json", manifest["id"].as_str().expect("an id"));
    let mut lying = manifest;
    lying["contents"]["tables"]["public.users"] = json!(3001);
    lying["contents"]["tables"]["public.gone"] = json!(1);
    lying["contents"]["extensions"]["postgis"] = json!("3");
    lying["contents"]["migration"] = json!(1);
    store.write(&key, lying.to_string().into_bytes()).await;
    let name = unused_name();
    let error = store.restore(&store.url_of(&name)).await.expect_err("it differs");
    assert!(error.contains("instead of 3001") && !exists(&database, &name).await, "{error}");
    let error = store.drill().await.expect_err("it differs");
    for difference in ["public.users has 3000 rows instead of 3001", "public.gone", "postgis", "migration"] {
        assert!(error.contains(difference), "{difference}: {error}");
    }
    assert!(store.objects().await.iter().all(|key| !key.ends_with("verified.json")));
}

#[tokio::test]
async fn drill_verifies_the_newest_backup_and_leaves_nothing() {
    let (database, store) = filled().await;
    let error = store.drill().await.expect_err("no backup exists");
    assert!(error.contains("there is no backup"), "{error}");
    store.back_up().await;
    let newest = store.back_up().await;
    // A database of a drill that was interrupted in 1970, and one that is not from a drill.
    let (abandoned, other) =
        (format!("arches_drill_1_{}", Uuid::new_v4().simple()), format!("arches_drill_{}", unused_name()));
    for name in [&abandoned, &other] {
        create_database(&database, name).await;
    }
    let function = store.restore_function().await;
    let answer = function.invoke_within(JOB_TIMEOUT, json!({ "command": "drill" })).await.expect("restored");
    assert_eq!(answer["backup"], newest["id"]);
    let scratch = answer["database"].as_str().expect("a name");
    assert!(scratch.starts_with("arches_drill_") && !exists(&database, scratch).await, "{scratch} is left");
    function.log_line(|line| line.contains("RestoreSeconds")).await;
    assert!(!exists(&database, &abandoned).await && exists(&database, &other).await);
    let error = store.restore(&store.url_of(&other)).await.expect_err("named like the database of a drill");
    assert!(error.contains("cannot be the name of a database"), "{error}");
    drop_database(&database, &other).await;
    store.drill().await.expect("restored again");
    let list = store.call_restore(json!({ "command": "list" })).await.expect("a list");
    let verified: Vec<_> = list.as_array().expect("a list").iter().map(|one| &one["verified"]).collect();
    assert_eq!(verified, [&json!(false), &json!(true)]);
}
