//! The exports of the systems.

use super::*;

/// Imports the file `name`, and checks the report. Then Ada and Bob sign in, and the others cannot.
async fn import_and_sign_in(from: &str, name: &str, expected: Value) -> Importer {
    let importer = Importer::new().await;
    let app = &importer.app;
    let members = if from == "firebase" {
        importer.upload("imports/hash-config", file("firebase-hash-config.txt")).await;
        json!({ "hashConfig": "imports/hash-config" })
    } else {
        json!({})
    };
    let report = importer.import(from, file(name), members).await;
    let mut full = json!({
        "dryRun": false, "finished": true, "records": 0, "imported": 0, "withoutPassword": 0, "unverified": 1, "suspended": 0,
        "droppedPasswords": 0, "refused": 0, "refusals": [],
        "skipped": { "known": 0, "taken": 0, "deleted": 0, "erased": 0, "notActive": 0 },
    });
    for (name, value) in expected.as_object().expect("members") {
        full[name] = value.clone();
    }
    assert_eq!(report, full, "{from}");

    let of_bob = if from == "firebase" { "user1password" } else { PASSWORD };
    let before = importer.imported_passwords().await;
    for (email, password) in [("ada@example.com", PASSWORD), ("BOB@example.com", of_bob)] {
        let token = importer.log_in(email, password).await.ok(201).text("/data/accessToken").to_owned();
        let client = app.client().token(&token);
        let me = client.get("/v1/auth/me").await.ok(200);
        assert_eq!(me.body["data"]["emailVerified"], email.starts_with("ada"), "{me:?}");
        let organizations = client.get("/v1/organizations").await.ok(200);
        assert_eq!(organizations.text("/data/0/name"), "Personal", "as after a registration");
        let log = client.get("/v1/auth/me/audit-events?action=user.imported").await.ok(200);
        assert_eq!(log.body["data"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!(importer.imported_passwords().await, before - 2, "{from}: the hashes were replaced");
    let replaced = "SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(app.database.value::<i64>(replaced).await, 2);
    importer.log_in("ada@example.com", PASSWORD).await.ok(201);
    importer.log_in("bob@example.com", "another password").await.refused(401, "wrong-credentials");
    importer.log_in("cleo@example.com", "another password").await.refused(401, "wrong-credentials");
    importer
}

/// Returns the names of the users, in the order of their addresses.
async fn names(importer: &Importer) -> String {
    importer.app.database.value("SELECT string_agg(name, ', ' ORDER BY email) FROM users").await
}

#[tokio::test]
async fn users_of_auth0_sign_in_with_their_passwords() {
    let expected = json!({ "records": 4, "imported": 4, "withoutPassword": 1, "suspended": 1 });
    let importer = import_and_sign_in("auth0", "auth0.ndjson", expected).await;
    assert_eq!(names(&importer).await, "ada, bob, cleo, Dora Google");
    importer.log_in("cleo@example.com", PASSWORD).await.ok(201);
}

#[tokio::test]
async fn users_of_supabase_sign_in_with_their_passwords() {
    let refusals = json!([{ "record": 6, "line": 7, "reason": "the record has no address" }]);
    let skipped = json!({ "known": 0, "taken": 0, "deleted": 0, "erased": 0, "notActive": 2 });
    let expected = json!({ "records": 6, "imported": 3, "suspended": 1, "refused": 1, "refusals": refusals, "skipped": skipped });
    let importer = import_and_sign_in("supabase", "supabase.csv", expected).await;
    assert_eq!(names(&importer).await, "Ada, Countess of \"Lovelace\", bob, cleo");
    importer.log_in("cleo@example.com", PASSWORD).await.refused(401, "wrong-credentials");
    let profile: String =
        importer.app.database.value("SELECT phone || ' ' || image FROM users WHERE name LIKE 'Ada%'").await;
    assert_eq!(profile, "+442071838750 https://example.com/ada.png");
}

#[tokio::test]
async fn users_of_keycloak_sign_in_with_their_passwords() {
    let skipped = json!({ "known": 0, "taken": 0, "deleted": 0, "erased": 0, "notActive": 1 });
    let expected = json!({ "records": 5, "imported": 4, "suspended": 1, "skipped": skipped });
    let importer = import_and_sign_in("keycloak", "keycloak.json", expected).await;
    assert_eq!(names(&importer).await, "Ada Lovelace, bob, cleo, dora");
    importer.log_in("dora@example.com", PASSWORD).await.ok(201);
    importer.log_in("cleo@example.com", PASSWORD).await.refused(401, "wrong-credentials");
    let reason: String =
        importer.app.database.value("SELECT suspended_reason FROM users WHERE name = 'cleo'").await;
    assert_eq!(reason, "Disabled in Keycloak before the import");
}

#[tokio::test]
async fn users_of_clerk_sign_in_with_their_passwords() {
    let refusals =
        json!([{ "record": 4, "line": 5, "reason": "the hash of the password is of an unknown kind" }]);
    let expected =
        json!({ "records": 4, "imported": 3, "withoutPassword": 1, "refused": 1, "refusals": refusals });
    let importer = import_and_sign_in("clerk", "clerk.csv", expected).await;
    assert_eq!(names(&importer).await, "Ada Lovelace, bob_the_builder, Cleo");
    let again = importer.import("clerk", file("clerk.csv"), json!({ "dropUnusablePasswords": true })).await;
    assert_eq!((&again["imported"], &again["withoutPassword"]), (&json!(1), &json!(1)), "{again}");
    assert_eq!((&again["droppedPasswords"], &again["refused"]), (&json!(1), &json!(0)), "{again}");
    importer.log_in("dora@example.com", "password").await.refused(401, "wrong-credentials");
}

#[tokio::test]
async fn users_of_firebase_sign_in_with_their_passwords() {
    let refusals = json!([{ "record": 4, "line": 5, "reason": "the record has no address" }]);
    let expected = json!({
        "records": 4, "imported": 3, "withoutPassword": 1, "suspended": 1, "refused": 1, "refusals": refusals
    });
    let importer = import_and_sign_in("firebase", "firebase.json", expected).await;
    assert_eq!(names(&importer).await, "Ada Lovelace, bob, Cleo");
    let error = importer.call("firebase", json!({})).await.expect_err("no parameters").to_string();
    assert!(error.contains("need the parameters of the project"), "{error}");
}

#[tokio::test]
async fn import_is_a_command_too() {
    let app = TestApp::new().await;
    let path = format!("{}/jobs/import/auth0.ndjson", env!("CARGO_MANIFEST_DIR"));
    let (report, succeeded) = command(&app, &["import-users", &path, "--from", "auth0", "--dry-run"]).await;
    assert!(
        succeeded && report.contains("\"dryRun\": true") && report.contains("\"imported\": 4"),
        "{report}"
    );
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 0);
    let (report, _) = command(&app, &["import-users", &path, "--from", "auth0"]).await;
    assert!(report.contains("\"dryRun\": false") && report.contains("\"imported\": 4"), "{report}");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.client().post("/v1/auth/login", body).await.ok(201);
    assert!(!command(&app, &["import-users", "/no/such/file", "--from", "auth0"]).await.1);
    assert!(command(&app, &["import-users", &path]).await.0.starts_with("usage:"));
}
