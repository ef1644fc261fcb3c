//! Files and records that cannot be imported.

use super::*;

#[tokio::test]
async fn damaged_line_is_named_and_spoils_nothing() {
    let importer = Importer::new().await;
    let mut text = lines(&["ada@example.com", "canary.address", "bob@example.com"]);
    text += "{\"user_id\": \"canary\", \"email\": \"cleo@exam\n";
    text += &lines(&["dora@example.com"]).replace("$2b$04$", "$2b$canary");
    text += &lines(&["eve@example.com"]).replace("$2b$04$", "$2b$20$");
    text += &lines(&["fay@example.com"]);

    let report = importer.import("auth0", text, json!({})).await;

    assert_eq!(
        (&report["records"], &report["imported"], &report["refused"]),
        (&json!(7), &json!(3), &json!(4))
    );
    let refusals = json!([
        { "record": 2, "line": 2, "reason": "the address cannot be used: this must be an e-mail address such as ada@example.com" },
        { "record": 4, "line": 4, "reason": "the record is not a JSON object" },
        { "record": 5, "line": 5, "reason": "the hash of the password is damaged" },
        { "record": 6, "line": 6, "reason": "the hash of the password needs more time or memory than a sign-in may take" },
    ]);
    assert_eq!(report["refusals"], refusals);
    let log = importer.function.log().concat();
    assert_eq!(log.matches("record refused").count(), 4, "the log names each: {log}");
    for personal in ["canary", "ada@", "dora@", "$2b$", "cleo"] {
        let log = log.replace("such as ada@", "");
        assert!(!log.contains(personal), "{personal} is in the log: {log}");
    }
    for email in ["ada@example.com", "bob@example.com", "fay@example.com"] {
        importer.log_in(email, PASSWORD).await.ok(201);
    }
}

#[tokio::test]
async fn report_has_the_first_thousand_refusals() {
    let importer = Importer::new().await;
    let report = importer.import("auth0", "{}\n".repeat(1001), json!({})).await;
    assert_eq!((&report["refused"], &report["finished"]), (&json!(1001), &json!(true)));
    let refusals = report["refusals"].as_array().expect("a list");
    assert_eq!((refusals.len(), &refusals[999]["line"]), (1000, &json!(1000)));
}

#[tokio::test]
async fn file_that_ends_in_the_middle_is_reported() {
    let importer = Importer::new().await;
    let whole = file("keycloak.json");
    let (half, _) = whole.split_at(whole.find("cleo@example.com").expect("Cleo"));
    let report = importer.import("keycloak", half, json!({})).await;
    assert_eq!((&report["finished"], &report["imported"]), (&json!(false), &json!(2)), "{report}");
    assert_eq!(report["refusals"][0]["reason"], "the file ends in the middle of the record");
    let report = importer.import("keycloak", whole, json!({})).await;
    assert_eq!((&report["finished"], &report["imported"]), (&json!(true), &json!(2)), "{report}");
}

#[tokio::test]
async fn only_files_for_imports_are_read() {
    let importer = Importer::new().await;
    importer.upload("uploads/users", file("auth0.ndjson")).await;
    for (key, reason) in [
        ("uploads/users", "begins with imports/"),
        ("/etc/passwd", "begins with imports/"),
        ("imports/nothing", "there is no object imports/nothing"),
    ] {
        let error = importer.call("auth0", json!({ "file": key })).await.expect_err(key).to_string();
        assert!(error.contains(reason), "{key}: {error}");
    }
    importer.upload("imports/users", file("keycloak.json")).await;
    let error =
        importer.call("clerk", json!({ "isLocal": true })).await.expect_err("unknown member").to_string();
    assert!(error.contains("unknown field"), "{error}");
    let report = importer.call("clerk", json!({})).await.expect("a report");
    assert_eq!(report["imported"], 0, "the export of another system: {report}");
    importer.upload("imports/users", "a,b\n1,2\n").await;
    let error = importer.call("keycloak", json!({})).await.expect_err("no column").to_string();
    assert!(error.contains("neither JSON nor a table"), "{error}");
}

#[tokio::test]
async fn import_without_the_ledger_of_erasures_imports_nobody() {
    let importer = Importer::with_ledger("no-such-bucket-for-imports").await;
    importer.upload("imports/users", file("auth0.ndjson")).await;
    let error = importer.call("auth0", json!({})).await.expect_err("no ledger").to_string();
    assert!(error.contains("the ledger of erasures cannot be read"), "{error}");
    assert_eq!(importer.app.database.value::<i64>("SELECT count(*) FROM users").await, 0);
}
