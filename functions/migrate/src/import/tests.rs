use chrono::DateTime;
use serde_json::{Value, json};

use super::{provider::Candidate, *};

fn parse(arguments: &str) -> Option<Import> {
    Import::parse(&arguments.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn command_line_names_the_file_and_the_system() {
    let import = parse("users.csv --from clerk").expect("arguments");
    assert_eq!((import.from, &*import.file, import.dry_run), (Provider::Clerk, "users.csv", false));
    let import =
        parse("--dry-run --from firebase --hash-config hash.txt --drop-unusable-passwords users.json")
            .expect("arguments");
    assert!(import.dry_run && import.drop_unusable_passwords && import.is_local);
    assert_eq!(import.hash_config.as_deref(), Some("hash.txt"));
    for wrong in [
        "",
        "users.csv",
        "--from clerk",
        "users.csv --from",
        "users.csv --from okta",
        "a b --from clerk",
        "a --from clerk --x",
    ] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}

#[test]
fn event_cannot_name_a_file_of_the_function() {
    let event = |event: Value| serde_json::from_value::<crate::Request>(event);
    let import = event(json!({ "command": "import-users", "from": "auth0", "file": "imports/users.ndjson" }));
    assert!(matches!(import.expect("an event"), crate::Request::ImportUsers(import) if !import.is_local));
    for member in ["isLocal", "is_local", "unknown"] {
        let mut wrong = json!({ "command": "import-users", "from": "auth0", "file": "/etc/passwd" });
        wrong[member] = json!(true);
        event(wrong).expect_err(member);
    }
    event(json!({ "command": "import-users", "from": "okta", "file": "imports/x" }))
        .expect_err("an unknown system");
}

fn candidate(provider: Provider, fields: Value) -> Candidate {
    let Value::Object(fields) = fields else { panic!("no object") };
    let settings = Settings { now: DateTime::UNIX_EPOCH, hash_config: None };
    match read(provider, &fields, &settings) {
        Found::User(user) => *user,
        Found::Skipped(reason) => panic!("skipped: {reason:?}"),
    }
}

#[test]
fn user_without_a_usable_name_is_called_by_the_address() {
    let name = |name: Value| {
        let fields = json!({ "user_id": "1", "email": "ada+tag@example.com", "name": name });
        candidate(Provider::Auth0, fields).checked(Provider::Auth0).expect("a user").name.as_ref().to_owned()
    };
    assert_eq!(name(json!("Ada Lovelace")), "Ada Lovelace");
    for other in [
        json!(null),
        json!(""),
        json!("ADA+tag@example.com"),
        json!("\u{202e}x"),
        json!("see https://evil.example"),
        json!("x".repeat(101)),
        json!({}),
    ] {
        assert_eq!(name(other.clone()), "ada+tag", "{other}");
    }
}

#[test]
fn record_without_id_or_address_is_refused_without_repeating_it() {
    for (fields, reason) in [
        (json!({ "email": "ada@example.com" }), "the record has no id"),
        (json!({ "user_id": "1" }), "the record has no address"),
        (
            json!({ "user_id": "1", "email": 7 }),
            "the address cannot be used: this must be an e-mail address such as ada@example.com",
        ),
        (
            json!({ "user_id": "1", "email": "canary" }),
            "the address cannot be used: this must be an e-mail address such as ada@example.com",
        ),
        (
            json!({ "user_id": "1", "email": "a@b.co", "passwordHash": "canary" }),
            "the hash of the password is of an unknown kind",
        ),
        (
            json!({ "user_id": "1", "email": "a@b.co", "passwordHash": "$2b$canary" }),
            "the hash of the password is damaged",
        ),
    ] {
        let refused = candidate(Provider::Auth0, fields).checked(Provider::Auth0).expect_err("refused");
        assert_eq!(refused.to_string(), reason);
    }
}

#[test]
fn parameters_of_firebase_are_read_as_its_console_shows_them() {
    let shown = include_str!("../../../../tests/jobs/import/firebase-hash-config.txt");
    let as_json = r#"{"algorithm": "SCRYPT", "base64_signer_key": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
        "base64_salt_separator": "Bw==", "rounds": 8, "mem_cost": 14}"#;
    for text in [shown, as_json] {
        let config = HashConfig::parse(text).expect("parameters");
        assert_eq!((&*config.salt_separator, config.rounds, config.memory_cost), ("Bw==", 8, 14));
        assert!(config.signer_key.ends_with("J9WmXA=="));
    }
    for (text, reason) in [
        ("", "algorithm is missing"),
        (&*shown.replace("SCRYPT", "BCRYPT"), "the algorithm is not SCRYPT"),
        (&*shown.replace("rounds", "sounds"), "rounds is missing"),
        (&*shown.replace("rounds: 8", "rounds: canary"), "rounds is not a number"),
    ] {
        assert_eq!(HashConfig::parse(text).err().expect("no parameters").to_string(), reason);
    }
}
