use data_encoding::BASE64URL_NOPAD as BASE64URL;
use harness::{CHALLENGE, Client, TestApp, service};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use shared::config::{SecretRef, Setting};

/// The parts of a real token, and the real signing key.
struct Forge {
    header: Value,
    claims: Value,
    token: String,
    key: Ed25519KeyPair,
    public: String,
}

impl Forge {
    async fn new(app: &TestApp, token: &str) -> Self {
        let part = |n: usize| {
            let part = token.split('.').nth(n).expect("three parts");
            serde_json::from_slice(&BASE64URL.decode(part.as_bytes()).expect("base64url")).expect("JSON")
        };
        let header: Value = part(0);
        let setting = Setting::Secret(SecretRef::parse(&service("JWT_SECRET")).expect("a reference"));
        let set: Value =
            serde_json::from_str(&app.state.app.secrets.get(&setting).await.expect("the key set"))
                .expect("JSON");
        let jwk = set["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .find(|key| key["kid"] == header["kid"])
            .expect("the key");
        let bytes =
            |name: &str| BASE64URL.decode(jwk[name].as_str().expect("text").as_bytes()).expect("base64url");
        let key = Ed25519KeyPair::from_seed_and_public_key(&bytes("d"), &bytes("x")).expect("a key pair");
        let public = jwk["x"].as_str().expect("text").to_owned();
        Self { header, claims: part(1), token: token.to_owned(), key, public }
    }

    fn unsigned(header: &Value, claims: &Value) -> String {
        format!(
            "{}.{}",
            BASE64URL.encode(header.to_string().as_bytes()),
            BASE64URL.encode(claims.to_string().as_bytes())
        )
    }

    /// Signs with the real key.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let unsigned = Self::unsigned(header, claims);
        format!("{unsigned}.{}", BASE64URL.encode(self.key.sign(unsigned.as_bytes()).as_ref()))
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.signed(&self.header, &claims)
    }

    fn without_claim(&self, name: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().expect("an object").remove(name);
        self.signed(&self.header, &claims)
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        self.signed(&header, &self.claims)
    }
}

async fn assert_same_refusal(client: &Client<'_>, name: &str, token: &str, expected: &Value) {
    let answer = client.token(token).get("/v1/auth/me").await;
    assert_eq!(answer.status, 401, "{name}: {answer:?}");
    let mut body = answer.body.clone();
    body["requestId"] = Value::Null;
    assert_eq!(&body, expected, "{name}");
    assert_eq!(answer.header(CHALLENGE.as_str()), "Bearer");
}

#[tokio::test]
async fn every_forged_token_is_refused_with_the_same_answer() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let bob = app.person("Bob").await;
    let forge = Forge::new(&app, &ada.access_token).await;
    let (header, claims) = (&forge.header, &forge.claims);
    let now = claims["iat"].as_i64().expect("a time");
    let (signed_part, signature) = forge.token.rsplit_once('.').expect("three parts");

    // Control: the real header and claims, signed with the real key, are accepted.
    app.client().token(&forge.signed(header, claims)).get("/v1/auth/me").await.ok(200);

    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let hmac_of = |secret: &[u8], algorithm: &str| {
        let unsigned = Forge::unsigned(&with("alg", json!(algorithm)), claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), unsigned.as_bytes());
        format!("{unsigned}.{}", BASE64URL.encode(tag.as_ref()))
    };
    let own = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key pair");
    let own_x = BASE64URL.encode(own.public_key().as_ref());
    let by_own = |header: Value| {
        let unsigned = Forge::unsigned(&header, claims);
        format!("{unsigned}.{}", BASE64URL.encode(own.sign(unsigned.as_bytes()).as_ref()))
    };
    let standard = encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(b"secret"));
    assert!(standard.is_err(), "no code can sign with a shared secret");

    let mut flipped = BASE64URL.decode(signature.as_bytes()).expect("base64url");
    flipped[0] ^= 1;
    let forged = [
        ("nothing", String::new()),
        ("not a token", "abc".to_owned()),
        ("two parts", signed_part.to_owned()),
        ("no signature", format!("{signed_part}.")),
        ("a changed signature", format!("{signed_part}.{}", BASE64URL.encode(&flipped))),
        ("alg none", format!("{}.", Forge::unsigned(&with("alg", json!("none")), claims))),
        (
            "alg nOnE with the real signature",
            format!("{}.{signature}", Forge::unsigned(&with("alg", json!("nOnE")), claims)),
        ),
        ("HS256 keyed with the public key", hmac_of(forge.public.as_bytes(), "HS256")),
        (
            "HS256 keyed with the public key's bytes",
            hmac_of(&BASE64URL.decode(forge.public.as_bytes()).expect("base64url"), "HS256"),
        ),
        ("HS256 keyed with nothing", hmac_of(b"", "HS256")),
        ("RS256", forge.with_header("alg", json!("RS256"))),
        ("ES256", forge.with_header("alg", json!("ES256"))),
        ("another key with our kid", by_own(header.clone())),
        ("a key in the header", by_own(with("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": own_x })))),
        ("a key set's URL in the header", by_own(with("jku", json!("http://127.0.0.1:1/jwks.json")))),
        ("an unknown kid", forge.with_header("kid", json!("unknown"))),
        ("a kid that is a path", forge.with_header("kid", json!("../../../../dev/null"))),
        ("a kid that is SQL", forge.with_header("kid", json!("' OR 1=1 --"))),
        ("a kid of 100 kB", forge.with_header("kid", json!("k".repeat(100_000)))),
        ("a kid that is a number", forge.with_header("kid", json!(1))),
        ("no kid", forge.with_header("kid", Value::Null)),
        ("another typ", forge.with_header("typ", json!("JWT"))),
        ("no typ", forge.with_header("typ", Value::Null)),
        ("an unknown critical header", forge.with_header("crit", json!(["bork"]))),
        ("a critical header that exists", forge.with_header("crit", json!(["kid"]))),
        ("no critical header in the list", forge.with_header("crit", json!([]))),
        ("a critical header that is no list", forge.with_header("crit", json!("kid"))),
        ("expired just now", forge.with_claim("exp", json!(now))),
        ("expired long ago", forge.with_claim("exp", json!(1))),
        ("no exp", forge.without_claim("exp")),
        ("an exp that is text", forge.with_claim("exp", json!("9999999999"))),
        ("not yet valid", forge.with_claim("nbf", json!(now + 60))),
        ("no nbf", forge.without_claim("nbf")),
        ("another audience", forge.with_claim("aud", json!("someone-else"))),
        ("no audience", forge.without_claim("aud")),
        ("another issuer", forge.with_claim("iss", json!("https://evil.example"))),
        ("no issuer", forge.without_claim("iss")),
        ("another user in this session", forge.with_claim("sub", json!(bob.id))),
        ("no user", forge.without_claim("sub")),
        (
            "a session that does not exist",
            forge.with_claim("sid", json!("01890000-0000-7000-8000-000000000000")),
        ),
        ("no session", forge.without_claim("sid")),
        ("a refresh token", ada.refresh_token.clone()),
        (
            "claims that are not JSON",
            format!(
                "{}.{}.{signature}",
                BASE64URL.encode(header.to_string().as_bytes()),
                BASE64URL.encode(b"{")
            ),
        ),
    ];

    let client = app.client();
    let mut expected = client.get("/v1/auth/me").await.body;
    expected["requestId"] = Value::Null;
    for (name, token) in &forged {
        assert_same_refusal(&client, name, token, &expected).await;
    }
    for value in ["Basic YWRhOnB3", "Bearer", "bearer:abc", &format!("Token {}", ada.access_token)] {
        client.with("authorization", value).get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn access_token_expires_after_exactly_15_minutes() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.clock.advance(chrono::TimeDelta::seconds(15 * 60 - 1));
    ada.client.get("/v1/auth/me").await.ok(200);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}
