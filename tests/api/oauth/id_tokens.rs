//! Forged ID tokens.

use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use harness::{
    Issuer, TestApp,
    issuer::{CLIENT_SECRET, KEY, SigningKey, unsigned},
    sign_in::{AtProvider, app_of, code, error},
};
use ring::{digest, hmac};
use serde_json::{Value, json};

/// Comes back with the token that `forge` makes from valid claims. Returns the error in the fragment.
async fn forged(app: &TestApp, issuer: &Issuer, forge: impl FnOnce(&Value) -> String) -> String {
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    issuer.issue(&forge(&flow.claims(app, issuer, "ada", &json!({}))));
    error(&flow.come_back().await)
}

/// Returns a token with a MAC (RFC 7518, 3.2).
fn with_mac(key: &[u8], header: &Value, claims: &Value) -> String {
    let signed = unsigned(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

#[tokio::test]
async fn unsigned_token_is_refused() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    for algorithm in ["none", "None", "NONE", ""] {
        let forge = |claims: &Value| format!("{}.", unsigned(&json!({ "alg": algorithm }), claims));
        assert_eq!(forged(&app, &issuer, forge).await, "provider-answer-not-valid", "{algorithm}");
    }
    let cut = |claims: &Value| issuer.sign(claims).rsplit_once('.').expect("a signature").0.to_owned() + ".";
    assert_eq!(forged(&app, &issuer, cut).await, "provider-answer-not-valid");
}

#[tokio::test]
async fn token_with_a_mac_is_refused_whatever_its_key() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let public = issuer.key.public(KEY);
    let x = public["x"].as_str().expect("x");
    let keys: [Vec<u8>; 5] = [
        public.to_string().into_bytes(),
        x.as_bytes().to_vec(),
        BASE64URL_NOPAD.decode(x.as_bytes()).expect("base64"),
        CLIENT_SECRET.as_bytes().to_vec(),
        Vec::new(),
    ];
    for key in keys {
        for header in [json!({ "alg": "HS256", "kid": KEY }), json!({ "alg": "HS256" })] {
            let forge = |claims: &Value| with_mac(&key, &header, claims);
            assert_eq!(forged(&app, &issuer, forge).await, "provider-answer-not-valid");
        }
    }
}

#[tokio::test]
async fn token_with_wrong_claims_is_refused() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let now = app.state.app.clock.now().timestamp();
    for changes in [
        json!({ "aud": "another client" }),
        json!({ "aud": [] }),
        json!({ "aud": ["client", "another client"] }),
        json!({ "aud": null }),
        json!({ "azp": "another client" }),
        json!({ "iss": "https://accounts.google.com" }),
        json!({ "iss": format!("{}/", issuer.url()) }),
        json!({ "iss": null }),
        json!({ "nonce": "another nonce" }),
        json!({ "nonce": null }),
        json!({ "exp": now }),
        json!({ "exp": now - 1 }),
        json!({ "exp": null }),
        json!({ "iat": now + 61 }),
        json!({ "iat": now - 601 }),
        json!({ "iat": null }),
        json!({ "sub": "" }),
        json!({ "sub": "x".repeat(256) }),
        json!({ "sub": null }),
        json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }),
    ] {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        let back = flow.come_back_as(&app, &issuer, "ada", &changes).await;
        assert_eq!(error(&back), "provider-answer-not-valid", "{changes}");
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn right_claims_at_their_limits_are_accepted() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let now = app.state.app.clock.now().timestamp();
    let hash = digest::digest(&digest::SHA256, b"an access token");
    for changes in [
        json!({ "aud": ["client"] }),
        json!({ "azp": "client" }),
        json!({ "exp": now + 1 }),
        json!({ "iat": now + 60 }),
        // As Microsoft does; and the oldest.
        json!({ "iat": now - 300 }),
        json!({ "iat": now - 600 }),
        json!({ "sub": "x".repeat(255) }),
        json!({ "email_verified": "true" }),
        json!({ "at_hash": BASE64URL_NOPAD.encode(&hash.as_ref()[..16]) }),
    ] {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        code(&flow.come_back_as(&app, &issuer, "ada", &changes).await);
    }
}

#[tokio::test]
async fn token_of_another_sign_in_is_refused() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let (first, second) = (
        AtProvider::begin(&app.client(), "acme", "").await,
        AtProvider::begin(&app.client(), "acme", "").await,
    );
    issuer.issue(&issuer.sign(&first.claims(&app, &issuer, "ada", &json!({}))));
    assert_eq!(error(&second.come_back().await), "provider-answer-not-valid");
    code(&first.come_back().await);
}

#[tokio::test]
async fn foreign_key_is_refused() {
    let (issuer, other) = (Issuer::start().await, Issuer::start().await);
    let app = app_of(&issuer).await;
    let foreign = SigningKey::default();
    let header = |kid: &str| json!({ "alg": "ES256", "kid": kid });
    for forge in [
        // With the id of the issuer's key, with an unknown id, and without one.
        Box::new(|claims: &Value| foreign.sign(&header(KEY), claims)) as Box<dyn Fn(&Value) -> String>,
        Box::new(|claims| foreign.sign(&header("key-2"), claims)),
        Box::new(|claims| foreign.sign(&json!({ "alg": "ES256" }), claims)),
        // With a key in the header (RFC 7515, 4.1.2 and 4.1.3).
        Box::new(|claims| {
            let header = json!({ "alg": "ES256", "kid": KEY, "jwk": foreign.public(KEY) });
            foreign.sign(&header, claims)
        }),
        Box::new(|claims| {
            let header = json!({ "alg": "ES256", "kid": KEY, "jku": format!("{}/keys", other.url()) });
            other.key.sign(&header, claims)
        }),
        // Another algorithm, and a header that must be understood (RFC 7515, 4.1.11).
        Box::new(|claims| issuer.key.sign(&json!({ "alg": "RS256", "kid": KEY }), claims)),
        Box::new(|claims| issuer.key.sign(&json!({ "alg": "ES256", "kid": KEY, "crit": ["b64"] }), claims)),
        Box::new(|_| "x".to_owned()),
        Box::new(|_| String::new()),
    ] {
        assert_eq!(forged(&app, &issuer, &forge).await, "provider-answer-not-valid");
    }
    assert_eq!(other.count("/keys"), 0);
}

#[tokio::test]
async fn flood_of_unknown_keys_causes_no_flood_of_calls() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    for n in 0..16 {
        let header = json!({ "alg": "ES256", "kid": format!("unknown-{n}") });
        assert_eq!(
            forged(&app, &issuer, |claims| issuer.key.sign(&header, claims)).await,
            "provider-answer-not-valid"
        );
    }
    assert_eq!(issuer.count("/keys"), 1, "the set was just read");
    app.clock.advance(TimeDelta::seconds(10));
    for _ in 0..2 {
        let header = json!({ "alg": "ES256", "kid": "unknown" });
        forged(&app, &issuer, |claims| issuer.key.sign(&header, claims)).await;
    }
    assert_eq!(issuer.count("/keys"), 2, "at most once in ten seconds");
}

#[tokio::test]
async fn new_key_is_read_when_a_token_names_it() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let sign_in = async |header: Value, key: &SigningKey| {
        let flow = AtProvider::begin(&app.client(), "acme", "").await;
        issuer.issue(&key.sign(&header, &flow.claims(&app, &issuer, "ada", &json!({}))));
        code(&flow.come_back().await)
    };
    sign_in(json!({ "alg": "ES256", "kid": KEY }), &issuer.key).await;
    let new = SigningKey::default();
    issuer.publish_keys(&[new.public("key-2")]);
    app.clock.advance(TimeDelta::seconds(10));
    sign_in(json!({ "alg": "ES256", "kid": "key-2" }), &new).await;
    // The old one is not trusted any more.
    let old = forged(&app, &issuer, |claims| issuer.sign(claims)).await;
    assert_eq!(old, "provider-answer-not-valid");
}
