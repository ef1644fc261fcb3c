//! Imports of the same users again, and of users who are here already.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn second_import_changes_nothing() {
    let importer = Importer::new().await;
    importer.import("auth0", file("auth0.ndjson"), json!({})).await;
    importer.log_in("ada@example.com", PASSWORD).await.ok(201);
    let before = importer.app.database.checksums().await;

    let report = importer.import("auth0", file("auth0.ndjson"), json!({})).await;

    assert_eq!((&report["imported"], &report["skipped"]["known"]), (&json!(0), &json!(4)), "{report}");
    assert_eq!(importer.app.database.checksums().await, before);
}

#[tokio::test]
async fn user_who_has_another_address_now_is_not_imported_again() {
    let importer = Importer::new().await;
    importer.import("auth0", lines(&["ada@example.com"]), json!({})).await;
    importer.app.database.execute("UPDATE users SET email = 'countess@example.com'").await;
    let report = importer.import("auth0", lines(&["ada@example.com"]), json!({})).await;
    assert_eq!((&report["imported"], &report["skipped"]["known"]), (&json!(0), &json!(1)), "{report}");
    importer.log_in("ada@example.com", PASSWORD).await.refused(401, "wrong-credentials");
}

#[tokio::test]
async fn dry_run_changes_nothing_and_says_what_an_import_would_do() {
    let importer = Importer::new().await;
    let ada = importer.app.person("Ada").await;
    // Ada is here; Cleo is there twice, under two ids and one address; Bob twice, and once in capitals.
    let text = lines(&[
        &ada.email,
        "bob@example.com",
        "cleo@example.com",
        "bob@example.com",
        "CLEO@example.com",
        "no address",
    ]);
    let before = importer.app.database.checksums().await;
    let mut dry = importer.import("auth0", text.clone(), json!({ "dryRun": true })).await;
    assert_eq!(importer.app.database.checksums().await, before);

    let real = importer.import("auth0", text, json!({})).await;

    assert_eq!(dry["dryRun"], true);
    dry["dryRun"] = json!(false);
    assert_eq!(dry, real);
    assert_eq!((&real["imported"], &real["refused"]), (&json!(2), &json!(1)), "{real}");
    assert_eq!((&real["skipped"]["taken"], &real["skipped"]["known"]), (&json!(2), &json!(1)), "{real}");
}

#[tokio::test]
async fn account_that_exists_stays_as_it_is() {
    let importer = Importer::new().await;
    let (ada, bob) = (importer.app.person("Ada").await, importer.app.person("Bob").await);
    bob.client.delete("/v1/auth/me").await.ok(204);
    importer.app.database.execute("UPDATE users SET password_hash = NULL WHERE name = 'Ada'").await;
    let before = importer.app.database.checksums().await;

    let report = importer.import("auth0", lines(&[&ada.email.to_uppercase(), &bob.email]), json!({})).await;

    assert_eq!((&report["imported"], &report["skipped"]["taken"]), (&json!(0), &json!(1)), "{report}");
    assert_eq!(report["skipped"]["deleted"], 1, "an administrator can still restore Bob");
    assert_eq!(importer.app.database.checksums().await, before);
    importer.log_in(&ada.email, PASSWORD).await.refused(401, "wrong-credentials");
}

#[tokio::test]
async fn four_imports_at_once_create_each_user_once() {
    let importer = Importer::new().await;
    let emails: Vec<_> = (0..1200).map(|number| format!("user{number}@example.com")).collect();
    let mut emails: Vec<_> = emails.iter().map(String::as_str).collect();
    let folder = std::env::temp_dir();
    let files = ["a", "b"].map(|name| {
        let path = folder.join(format!("import-{}-{name}.ndjson", Uuid::new_v4()));
        std::fs::write(&path, lines(&emails)).expect("a file");
        // The users of the second file are in the opposite order: imports must not wait for each other.
        emails.reverse();
        path.to_str().expect("a path").to_owned()
    });
    let arguments = files.each_ref().map(|file| ["import-users", file.as_str(), "--from", "auth0"]);

    let reports = join_all((0..4).map(|number| command(&importer.app, &arguments[number % 2]))).await;

    for file in &files {
        std::fs::remove_file(file).expect("the file");
    }
    let counts = reports.iter().map(|(report, succeeded)| {
        assert!(succeeded, "{report}");
        let report: Value = serde_json::from_str(report).expect("JSON");
        report["imported"].as_u64().expect("a number")
    });
    assert_eq!(counts.sum::<u64>(), 1200);
    for table in ["users", "organizations", "members"] {
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        let count: i64 = count.fetch_one(importer.app.database.pool()).await.expect("a count");
        assert_eq!(count, 1200, "{table}");
    }
}

#[tokio::test]
async fn erased_user_stays_erased_also_after_the_restore_of_an_older_backup() {
    let ledger = format!("l-{}", Uuid::new_v4().simple());
    let s3 = Client::new(client::config().await);
    s3.create_bucket().bucket(&ledger).send().await.expect("a bucket");
    let importer = Importer::with_ledger(&ledger).await;
    let text = lines(&["ada@example.com", "bob@example.com"]);
    importer.import("auth0", text.clone(), json!({})).await;
    let grace = importer.app.administrator("Grace").await;
    let ada: Uuid = importer.app.database.value("SELECT id FROM users WHERE email = 'ada@example.com'").await;
    grace.client.post_nothing(&format!("/v1/users/{ada}/erase")).await.ok(200);

    let report = importer.import("auth0", text.clone(), json!({})).await;
    assert_eq!(
        (&report["skipped"]["erased"], &report["skipped"]["known"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    // A database without any of them.
    let restored = Importer::with_ledger(&ledger).await;
    let report = restored.import("auth0", text, json!({})).await;
    assert_eq!((&report["skipped"]["erased"], &report["imported"]), (&json!(1), &json!(1)), "{report}");
    for importer in [&importer, &restored] {
        importer.log_in("ada@example.com", PASSWORD).await.refused(401, "wrong-credentials");
    }
    importer
        .app
        .client()
        .post("/v1/auth/register", json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD }))
        .await
        .ok(201);
}

#[tokio::test]
async fn import_without_time_stops_and_the_next_one_finishes() {
    let importer = Importer::new().await;
    importer.upload("imports/users", file("auth0.ndjson")).await;
    let event = json!({ "command": "import-users", "from": "auth0", "file": "imports/users" });
    let report = importer.function.invoke_within(Duration::from_secs(29), event).await.expect("a report");
    assert_eq!((&report["finished"], &report["records"]), (&json!(false), &json!(0)), "{report}");
    let report = importer.call("auth0", json!({})).await.expect("a report");
    assert_eq!((&report["finished"], &report["imported"]), (&json!(true), &json!(4)), "{report}");
}
