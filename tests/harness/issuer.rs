//! An identity provider of a test's own. It answers what the test says, so it can forge.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::form_urlencoded;

/// The client id at every issuer of the tests.
pub const CLIENT: &str = "client";
/// The client secret.
pub const CLIENT_SECRET: &str = "a client secret";
/// The id of the issuer's key.
pub const KEY: &str = "key-1";

/// A key that signs ID tokens.
pub struct SigningKey(EcdsaKeyPair);

impl Default for SigningKey {
    fn default() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key"))
    }
}

impl SigningKey {
    /// Signs `claims` as an ID token with this `header`.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    /// Returns the public key (RFC 7517).
    #[must_use]
    pub fn public(&self, id: &str) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let text = |bytes| BASE64URL_NOPAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": text(x), "y": text(y) })
    }
}

/// Returns header and claims of a token, without a signature.
#[must_use]
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let text = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}", text(header), text(claims))
}

pub struct Issuer {
    url: String,
    pub key: SigningKey,
    shared: Shared,
    task: JoinHandle<()>,
}

type Shared = Arc<Mutex<Answers>>;

/// What the issuer answers, and what it was asked.
#[derive(Default)]
struct Answers {
    metadata: Value,
    keys: Value,
    tokens: Value,
    /// The status of every answer, in place of 200.
    fault: Option<StatusCode>,
    counts: BTreeMap<String, usize>,
    redeemed: BTreeMap<String, String>,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let key = SigningKey::default();
        let answers = Answers {
            metadata: metadata(&url, &url),
            keys: json!({ "keys": [key.public(KEY)] }),
            ..Answers::default()
        };
        let shared = Arc::new(Mutex::new(answers));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("the issuer serves") });
        Self { url, key, shared, task }
    }

    /// Returns the issuer, as its tokens name it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its entry in `OAUTH_PROVIDERS`.
    #[must_use]
    pub fn credentials(&self) -> Value {
        json!({ "clientId": CLIENT, "clientSecret": CLIENT_SECRET, "issuer": self.url })
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.shared.lock().expect("a lock")
    }

    /// Returns the claims of a valid ID token about `subject`, issued at `now`, a Unix time.
    #[must_use]
    pub fn claims(&self, subject: &str, nonce: &str, now: i64) -> Value {
        json!({
            "iss": self.url, "aud": CLIENT, "sub": subject, "nonce": nonce, "iat": now, "exp": now + 300,
            "email": format!("{subject}@issuer.example"), "email_verified": true, "name": "Ada Lovelace",
        })
    }

    /// Signs `claims` with the published key.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.key.sign(&json!({ "alg": "ES256", "kid": KEY }), claims)
    }

    /// Makes the token endpoint answer with `id_token`.
    pub fn issue(&self, id_token: &str) {
        self.answers().tokens = json!({ "access_token": "an access token", "token_type": "Bearer", "expires_in": 300, "id_token": id_token });
    }

    /// Replaces members of the discovery document.
    pub fn publish(&self, changes: &Value) {
        let mut answers = self.answers();
        for (name, value) in changes.as_object().expect("an object") {
            answers.metadata[name] = value.clone();
        }
    }

    /// Replaces the key set.
    pub fn publish_keys(&self, keys: &[Value]) {
        self.answers().keys = json!({ "keys": keys });
    }

    /// Makes every answer have `status`; `None` ends the fault.
    pub fn fail(&self, status: Option<u16>) {
        self.answers().fault = status.map(|status| StatusCode::from_u16(status).expect("a status"));
    }

    /// Returns how often `path` was asked.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        self.answers().counts.get(path).copied().unwrap_or_default()
    }

    /// Returns a parameter of the last request to the token endpoint.
    #[must_use]
    pub fn redeemed(&self, name: &str) -> String {
        self.answers().redeemed.get(name).cloned().unwrap_or_default()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns a discovery document of `issuer` whose endpoints are at `site`.
fn metadata(issuer: &str, site: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{site}/authorize"),
        "token_endpoint": format!("{site}/token"),
        "jwks_uri": format!("{site}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    })
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let mut answers = shared.lock().expect("a lock");
    *answers.counts.entry(path.clone()).or_default() += 1;
    if let Some(status) = answers.fault {
        return status.into_response();
    }
    match path.as_str() {
        "/keys" => Json(answers.keys.clone()).into_response(),
        "/token" => {
            answers.redeemed = form_urlencoded::parse(&body).into_owned().collect();
            Json(answers.tokens.clone()).into_response()
        }
        path if path.ends_with("/.well-known/openid-configuration") => {
            Json(answers.metadata.clone()).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
