//! The test vectors of the W3C (WebAuthn Level 3, 16): `test-vectors.json` has them in base64url. Their challenges are fixed, so they are verified
//! here and not through the API. Some were made without user verification, which this API requires.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::*;

const VECTORS: &str = include_str!("test-vectors.json");
/// The flag of user verification.
const VERIFIED: u8 = 0b0000_0100;

fn party() -> RelyingParty {
    RelyingParty::at("example.org", vec!["https://example.org".parse().expect("a URL")])
        .expect("a relying party")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text(value).as_bytes()).expect("base64url")
}

/// Verifies the registration of a vector.
fn register(vector: &Value, policy: &str) -> Result<Credential, WebauthnError> {
    let party = party();
    let builder =
        party.0.new_challenge_register_builder(&[1; 16], "ada@example.org", "Ada").expect("a builder");
    let (_, kept) = party.0.generate_challenge_register(builder).expect("a challenge");
    let mut kept = serde_json::to_value(kept).expect("JSON");
    kept["challenge"] = vector["registration"]["challenge"].clone();
    kept["policy"] = json!(policy);
    let credential = json!({
        "id": vector["id"],
        "rawId": vector["id"],
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "attestationObject": vector["registration"]["attestationObject"],
            "clientDataJSON": vector["registration"]["clientDataJSON"],
        },
    });
    let (kept, credential) = (serde_json::from_value(kept), serde_json::from_value(credential));
    party.0.register_credential(&credential.expect("a credential"), &kept.expect("a state"), None)
}

/// Verifies the authentication of a vector with `known`.
fn authenticate(
    vector: &Value,
    known: &Credential,
    policy: &str,
    signature: &[u8],
) -> Result<AuthenticationResult, WebauthnError> {
    let party = party();
    let (_, kept) = party.begin_sign_in().expect("a challenge");
    let mut kept = serde_json::to_value(kept).expect("JSON");
    kept["challenge"] = vector["authentication"]["challenge"].clone();
    kept["policy"] = json!(policy);
    let credential = json!({
        "id": vector["id"],
        "rawId": vector["id"],
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "authenticatorData": vector["authentication"]["authenticatorData"],
            "clientDataJSON": vector["authentication"]["clientDataJSON"],
            "signature": BASE64URL_NOPAD.encode(signature),
            "userHandle": null,
        },
    });
    let (kept, credential) = (serde_json::from_value(kept), serde_json::from_value(credential));
    let (kept, credential) = (kept.expect("a state"), credential.expect("a credential"));
    party.0.authenticate_single_credential(&credential, &kept, known)
}

fn vectors() -> Vec<Value> {
    serde_json::from_str(VECTORS).expect("JSON")
}

/// Whether a vector is acceptable. Those of pages inside others are not, and Ed25519 is not asked for. The library takes keys of RSA with 2,048 bits
/// only, as authenticators make them; that of the vector has more.
fn is_acceptable(name: &str) -> bool {
    !["crossOrigin", "topOrigin", "Ed25519", "RS256"].iter().any(|word| name.contains(word))
}

#[test]
fn w3c_vectors_verify() {
    for vector in vectors() {
        let name = text(&vector["name"]);
        let made = register(&vector, "preferred");
        assert_eq!(made.is_ok(), is_acceptable(&name), "{name}: {:?}", made.err());
        let Ok(mut known) = made else { continue };
        assert_eq!(known.cred_id, bytes(&vector["id"]), "{name}");
        // As if it had been made without user verification, because the vectors mix both.
        known.user_verified = false;
        let signature = bytes(&vector["authentication"]["signature"]);
        let used = authenticate(&vector, &known, "preferred", &signature);
        assert!(used.is_ok(), "{name}: {:?}", used.err());
        let mut flipped = signature.clone();
        *flipped.last_mut().expect("a byte") ^= 1;
        assert!(authenticate(&vector, &known, "preferred", &flipped).is_err(), "{name}");
    }
}

#[test]
fn w3c_vectors_without_user_verification_are_refused_where_it_is_required() {
    for vector in vectors().into_iter().filter(|vector| is_acceptable(&text(&vector["name"]))) {
        let mut known = register(&vector, "preferred").expect("a credential");
        let is_verified = known.user_verified;
        assert_eq!(register(&vector, "required").is_ok(), is_verified, "{}", vector["name"]);
        known.user_verified = false;
        let signature = bytes(&vector["authentication"]["signature"]);
        let flags = bytes(&vector["authentication"]["authenticatorData"])[FLAGS];
        let used = authenticate(&vector, &known, "required", &signature);
        assert_eq!(used.is_ok(), flags & VERIFIED != 0, "{}: {:?}", vector["name"], used.err());
    }
}

#[test]
fn authenticator_data_ends_where_its_flags_say() {
    let mut data = vec![0; DATA_LENGTH];
    assert!(no_trailing_bytes(&data).is_ok());
    data.push(0);
    assert!(no_trailing_bytes(&data).is_err());
    data[FLAGS] = 0b1000_0000;
    assert!(no_trailing_bytes(&data).is_ok(), "extensions");
    assert!(no_trailing_bytes(&[]).is_err());
}

#[test]
fn client_data_of_a_page_inside_another_is_refused() {
    for allowed in [r#"{"type":"webauthn.get"}"#, r#"{"crossOrigin":false}"#] {
        assert!(not_across_origins(allowed.as_bytes()).is_ok(), "{allowed}");
    }
    for refused in
        [r#"{"crossOrigin":true}"#, r#"{"crossOrigin":false,"topOrigin":"https://evil.example"}"#, "[]", ""]
    {
        assert!(not_across_origins(refused.as_bytes()).is_err(), "{refused}");
    }
}

#[test]
fn w3c_vectors_of_pages_inside_others_are_refused_in_both_ceremonies() {
    for vector in vectors() {
        let name = text(&vector["name"]);
        let is_inside = ["crossOrigin", "topOrigin"].iter().any(|word| name.contains(word));
        for ceremony in ["registration", "authentication"] {
            let said = bytes(&vector[ceremony]["clientDataJSON"]);
            assert_eq!(not_across_origins(&said).is_err(), is_inside, "{ceremony}: {name}");
        }
    }
}

#[test]
fn unknown_credential_has_a_key_that_verifies_nothing() {
    let known = no_passkey(&[1]).expect("a credential");
    assert!(!known.cred.verify_signature(&[0x30, 6, 2, 1, 1, 2, 1, 1], b"text").unwrap_or(false));
}
