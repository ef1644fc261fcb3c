use chrono::DateTime;
use serde_json::{Value, json};

use super::{batch, provider::Candidate, *};

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
        Found::Refused(reason) => panic!("refused: {reason}"),
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
fn confirmed_phone_proves_no_address_in_supabase() {
    for (fields, is_verified) in [
        (json!({ "email_confirmed_at": null, "confirmed_at": "2024-03-02 10:01:07+00" }), false),
        (json!({ "email_confirmed_at": "2024-03-02 10:01:07+00" }), true),
        (json!({ "confirmed_at": "2024-03-02 10:01:07+00" }), true),
        (json!({ "confirmed_at": null }), false),
        (json!({}), false),
    ] {
        assert_eq!(candidate(Provider::Supabase, fields.clone()).is_verified, is_verified, "{fields}");
    }
}

#[test]
fn password_that_keycloak_wants_replaced_is_not_taken() {
    let realm: Value =
        serde_json::from_str(include_str!("../../../../tests/jobs/import/keycloak.json")).expect("JSON");
    for (actions, has_password) in [
        (json!(["VERIFY_EMAIL", "UPDATE_PASSWORD"]), false),
        (json!(["VERIFY_EMAIL"]), true),
        (json!(null), true),
    ] {
        let mut ada = realm["users"][0].clone();
        ada["requiredActions"] = actions.clone();
        let hash = candidate(Provider::Keycloak, ada).hash;
        assert_eq!(hash.is_ok_and(|hash| hash.is_some()), has_password, "{actions}");
    }
}

#[test]
fn record_of_clerk_must_say_what_is_verified() {
    let read = |name: &str, value: Value| {
        let mut user = json!({ "id": "1", "primary_email_address": "ada@example.com", "banned": "true" });
        user[name] = value;
        let settings = Settings { now: DateTime::UNIX_EPOCH, hash_config: None };
        read(Provider::Clerk, user.as_object().expect("an object"), &settings)
    };
    let of_api = read("email_addresses", json!([{ "email_address": "ada@example.com" }]));
    assert!(matches!(of_api, Found::Refused(Refused::NoVerification)));
    for (name, value, is_verified) in [
        ("verified_email_addresses", json!("ada@example.com"), true),
        ("verified_email_addresses", json!(null), false),
        ("unverified_email_addresses", json!("ada@example.com"), false),
    ] {
        let Found::User(user) = read(name, value) else { panic!("no user: {name}") };
        assert_eq!((user.is_verified, user.is_blocked), (is_verified, true), "{name}");
    }
}

/// The line of jq in docs/import-users.md makes such a record of Auth0's two exports.
#[test]
fn joined_record_of_auth0_is_the_user_of_its_hash() {
    let exported = include_str!("../../../../tests/jobs/import/auth0.ndjson").lines().next().expect("a line");
    let of_hash: Value = serde_json::from_str(exported).expect("JSON");
    let mut joined = of_hash.clone();
    joined["user_id"] = json!("auth0|5dea9f9c82dd7c0e76e4ec93");
    joined["name"] = json!("Ada Lovelace");
    joined["blocked"] = json!(true);
    let [of_hash, joined] = [of_hash, joined]
        .map(|fields| candidate(Provider::Auth0, fields).checked(Provider::Auth0).expect("a user"));
    assert_eq!(joined.id, of_hash.id);
    assert_eq!((joined.name.as_ref(), joined.is_verified), ("Ada Lovelace", true));
    assert!(joined.password_hash.is_some() && joined.suspended_reason.is_some());
}

#[test]
fn users_are_inserted_in_the_order_of_their_addresses() {
    let user = |email: &&str| {
        let fields = json!({ "user_id": email, "email": email });
        candidate(Provider::Auth0, fields).checked(Provider::Auth0).expect("a user")
    };
    for emails in [
        ["b@example.com", "A@example.com", "c@example.com"],
        ["c@example.com", "A@example.com", "b@example.com"],
    ] {
        let mut users: Vec<_> = emails.iter().map(user).collect();
        batch::sort(&mut users);
        let sorted: Vec<_> = users.iter().map(|user| user.email.as_ref()).collect();
        assert_eq!(sorted, ["A@example.com", "b@example.com", "c@example.com"]);
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
