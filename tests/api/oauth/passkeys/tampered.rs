//! Ceremonies that are not as they should be. Each is refused, and changes no passkey and opens no session.

use chrono::TimeDelta;
use harness::{Passkey, Person, TestApp, passkey::Statement};
use serde_json::{Value, json};

type Change = fn(&mut Statement);

/// What may be wrong in both ceremonies.
const BOTH: [(&str, Change); 10] = [
    ("another origin", |said| said.client_data["origin"] = json!("https://evil.example")),
    ("another port", |said| said.client_data["origin"] = json!("https://app.example.com:8443")),
    ("another relying party", |said| said.rp_id = "evil.example".into()),
    ("another challenge", |said| {
        said.client_data["challenge"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    }),
    ("user not present", |said| said.flags &= !1),
    ("user not verified", |said| said.flags &= !4),
    ("a page inside a page of another site", |said| said.client_data["crossOrigin"] = json!(true)),
    ("a page that names another site around it", |said| {
        said.client_data["topOrigin"] = json!("https://evil.example");
    }),
    ("data cut off", |said| said.length = Some(36)),
    ("backed up, but it cannot be", |said| said.flags |= 0b0001_0000),
];
/// What may be wrong in a sign-in only.
const SIGN_IN: [(&str, Change); 7] = [
    ("the type of an addition", |said| said.client_data["type"] = json!("webauthn.create")),
    ("a flipped bit in the signature", |said| said.flips_signature = true),
    ("bytes after the data", |said| said.length = Some(38)),
    ("the user handle of another user", |said| said.user = Some(vec![7; 16])),
    ("no user handle", |said| said.user = None),
    ("an unknown credential", |said| said.id = vec![7; 16]),
    ("another backup eligibility", |said| said.flags |= 0b0000_1000),
];
/// What may be wrong in an addition only.
const ADDITION: [(&str, Change); 7] = [
    ("the type of a sign-in", |said| said.client_data["type"] = json!("webauthn.get")),
    ("no credential", |said| said.flags &= !0b0100_0000),
    ("an id that is too long", |said| said.id = vec![7; 1024]),
    // ES256K and HS256 (IANA's COSE algorithms).
    ("an algorithm that was not asked for", |said| said.algorithm = vec![0x38, 0x2e]),
    ("a symmetric algorithm", |said| said.algorithm = vec![0x05]),
    ("an attestation that is no CBOR", |said| said.attestation = Some(vec![0xff; 40])),
    ("an attestation of nothing", |said| said.attestation = Some(vec![0xa0])),
];

/// Returns what must not change.
async fn state(app: &TestApp) -> Vec<String> {
    let mut sums = app.database.checksums().await;
    sums.retain(|table, _| ["passkeys", "sessions", "users"].contains(&table.as_str()));
    assert_eq!(sums.len(), 3);
    sums.into_values().map(|sum| format!("{sum:?}")).collect()
}

async fn refused_sign_in(app: &TestApp, name: &str, begun: &Value, credential: &Value) {
    let before = state(app).await;
    let answer = app.client().finish_passkey_sign_in(begun, credential).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (401, "wrong-passkey"), "{name}: {answer:?}");
    assert_eq!(state(app).await, before, "{name}");
}

async fn refused_addition(ada: &Person<'_>, app: &TestApp, name: &str, begun: &Value, credential: &Value) {
    let before = state(app).await;
    let answer = ada.finish_passkey(begun, "Phone", credential).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (422, "passkey-not-valid"), "{name}: {answer:?}");
    assert_eq!(state(app).await, before, "{name}");
}

#[tokio::test]
async fn tampered_sign_ins_are_refused() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    for (name, change) in BOTH.into_iter().chain(SIGN_IN) {
        let begun = app.client().begin_passkey_sign_in().await;
        let credential = passkey.sign(&begun["publicKey"], change);
        refused_sign_in(&app, name, &begun, &credential).await;
        // The ceremony is used up.
        let credential = passkey.sign(&begun["publicKey"], |_| ());
        refused_sign_in(&app, name, &begun, &credential).await;
    }
    app.client().sign_in_with_passkey(&passkey).await.ok(201);
}

#[tokio::test]
async fn tampered_additions_are_refused() {
    let app = TestApp::new().await;
    for (name, change) in BOTH.into_iter().chain(ADDITION) {
        let ada = app.verified_person("Ada").await;
        let begun = ada.begin_passkey().await;
        let passkey = Passkey::new(&begun["publicKey"]);
        refused_addition(&ada, &app, name, &begun, &passkey.create(&begun["publicKey"], change)).await;
        let again = passkey.create(&begun["publicKey"], |_| ());
        refused_addition(&ada, &app, name, &begun, &again).await;
    }
}

#[tokio::test]
async fn key_of_another_user_signs_for_nobody_else() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let (hers, theirs) = (ada.add_passkey("Phone").await, zoe.add_passkey("Phone").await);
    let begun = app.client().begin_passkey_sign_in().await;
    let credential = theirs.sign(&begun["publicKey"], |said| {
        said.id.clone_from(&hers.id);
        said.user = Some(hers.user.clone());
    });
    refused_sign_in(&app, "the key of another user", &begun, &credential).await;
    let begun = app.client().begin_passkey_sign_in().await;
    let credential = theirs.sign(&begun["publicKey"], |said| said.user = Some(hers.user.clone()));
    refused_sign_in(&app, "the user handle of another user", &begun, &credential).await;

    let begun = ada.begin_passkey().await;
    let fresh = Passkey::new(&begun["publicKey"]);
    let credential = fresh.create(&begun["publicKey"], |said| said.id.clone_from(&theirs.id));
    ada.finish_passkey(&begun, "Phone", &credential).await.refused(409, "passkey-exists");
    app.client().sign_in_with_passkey(&theirs).await.ok(201);
}

#[tokio::test]
async fn count_that_goes_back_is_refused_and_recorded() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    passkey.count.set(7);
    app.client().sign_in_with_passkey(&passkey).await.ok(201);
    for count in [8, 7, 1, 0] {
        let begun = app.client().begin_passkey_sign_in().await;
        let credential = passkey.sign(&begun["publicKey"], |said| said.count = count);
        refused_sign_in(&app, "a count that goes back", &begun, &credential).await;
    }
    let copied =
        "SELECT count(*) FROM audit_events WHERE action = 'user.passkey_copied' AND outcome = 'denied'";
    assert_eq!(app.database.value::<i64>(copied).await, 4);
    let mails = app.mails();
    let about = mails.iter().filter(|mail| mail.subject == "A passkey may have been copied");
    assert_eq!(about.count(), 1, "one a day");
}

#[tokio::test]
async fn ceremony_works_once_for_its_user_and_its_purpose_within_five_minutes() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let passkey = ada.add_passkey("Phone").await;

    let begun = app.client().begin_passkey_sign_in().await;
    let credential = passkey.sign(&begun["publicKey"], |_| ());
    app.client().finish_passkey_sign_in(&begun, &credential).await.ok(200);
    refused_sign_in(&app, "a replay", &begun, &credential).await;

    let addition = ada.begin_passkey().await;
    let credential = passkey.sign(&addition["publicKey"], |_| ());
    refused_sign_in(&app, "the token of an addition", &addition, &credential).await;
    let new = Passkey::new(&addition["publicKey"]);
    let created = new.create(&addition["publicKey"], |_| ());
    refused_addition(&zoe, &app, "the ceremony of another user", &addition, &created).await;
    let begun = app.client().begin_passkey_sign_in().await;
    let wrong = new.create(&begun["publicKey"], |_| ());
    refused_addition(&ada, &app, "the token of a sign-in", &begun, &wrong).await;

    let late = app.client().begin_passkey_sign_in().await;
    app.clock.advance(TimeDelta::minutes(5));
    refused_addition(&ada, &app, "an expired addition", &addition, &created).await;
    let credential = passkey.sign(&late["publicKey"], |_| ());
    refused_sign_in(&app, "an expired sign-in", &late, &credential).await;
    refused_sign_in(&app, "an unknown token", &json!({ "token": "unknown" }), &credential).await;
}
