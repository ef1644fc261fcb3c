//! `Idempotency-Key`: a request that is sent twice creates one resource (draft-ietf-httpapi-idempotency-key-header).
//!
//! The first response is stored in the transaction of the work: both are committed, or neither is.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::{
    ApiError, Refusal,
    auth::Actor,
    crypto::seal::Sealer,
    db::Tx,
    domain::page::Data,
    http::{extract, headers::IDEMPOTENCY_REPLAYED},
    store::idempotency_records,
};

/// The time for which a response is stored.
pub const LIFETIME: TimeDelta = TimeDelta::hours(24);
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

const MALFORMED: Refusal = Refusal::bad_request(
    "malformed-idempotency-key",
    "Idempotency-Key must be one value of 1 to 255 visible ASCII characters.",
);
const IN_PROGRESS: Refusal = Refusal::conflict(
    "idempotency-key-in-progress",
    "A request with this Idempotency-Key is in progress. Wait for its response.",
);
pub const REUSED: Refusal = Refusal::invalid(
    "idempotency-key-reused",
    "This Idempotency-Key was used for a different request. Use a new key for each new request.",
);

/// The header, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header that `Create` reads")]
pub struct IdempotencyKey {
    /// A text that you choose. If you repeat the request with the same key within 24 hours, you get the first response again
    /// (`Idempotency-Replayed: true`), and nothing new is created.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    idempotency_key: Option<String>,
}

/// The body of a request that creates something.
pub struct Create<T> {
    pub new: T,
    pub idempotent: Idempotent,
}

/// The idempotency key of a request, if it has one, and the hash of its body.
pub struct Idempotent(Option<Keyed>);

struct Keyed {
    /// With the path: the same key on another path is another key.
    key: String,
    /// SHA-256.
    body: Vec<u8>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Create<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let mut keys = request.headers().get_all(HEADER).iter();
        let key = match (keys.next(), keys.next()) {
            (None, _) => None,
            (Some(key), None) if is_key(key) => Some(key.to_str().map_err(|_| MALFORMED)?.to_owned()),
            (Some(_), _) => return Err(MALFORMED.into()),
        };
        let path = request.uri().path().to_owned();
        let (new, bytes) = extract::read_body(request, state).await?;
        let keyed = key.map(|key| Keyed { key: format!("{path}\n{key}"), body: sha256(&bytes) });
        Ok(Self { new, idempotent: Idempotent(keyed) })
    }
}

fn is_key(key: &HeaderValue) -> bool {
    (1..=255).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The response to a request that created something, in a form that can be stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct Created {
    headers: Vec<(String, String)>,
    body: String,
}

impl Created {
    /// Creates a 201 response with `data`.
    pub fn new(data: impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { headers: Vec::new(), body: serde_json::to_string(&Data { data })? })
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &HeaderName, value: String) -> Self {
        self.headers.push((name.to_string(), value));
        self
    }

    /// Adds the version of the new resource as its `ETag`.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        self.with(&header::ETAG, format!("\"{version}\""))
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let content = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (StatusCode::CREATED, content, self.body).into_response();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// Stored encrypted in the database.
#[derive(Serialize, Deserialize)]
struct Record {
    /// SHA-256 of the request's body.
    body: Vec<u8>,
    made: Created,
}

impl Idempotent {
    /// Returns whether the request has a key.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.0.is_some()
    }

    /// Returns hashes of the key and of the body, for a resource that stores its own key; `None` without a key.
    #[must_use]
    pub fn hashes(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let Keyed { key, body } = self.0.as_ref()?;
        Some((sha256(key.as_bytes()), body.clone()))
    }

    /// Runs `work` in the transaction of `actor`, or returns the response of the first request.
    ///
    /// The second value of `work` is for what follows the commit (a mail), and for what must not be stored (tokens). It is returned
    /// only if `work` was run. Limits on what is created belong into `work`: a replay uses up none of them.
    pub async fn run<T>(
        self,
        actor: &impl Actor,
        sealer: &Sealer,
        work: impl AsyncFnOnce(&mut Tx) -> Result<(Created, T), ApiError> + Clone,
    ) -> Result<(Response, Option<T>), ApiError> {
        let Some(Keyed { key, body }) = self.0 else {
            let (created, rest) = actor.transaction(work).await?;
            return Ok((created.into_response(), Some(rest)));
        };
        let key = sha256(format!("{}\n{key}", actor.name()).as_bytes());
        actor
            .transaction(async |tx| {
                if !idempotency_records::try_lock(tx, &key).await? {
                    return Err(IN_PROGRESS.into());
                }
                if let Some(sealed) = idempotency_records::find(tx, &key).await?
                    && let Some(record) = sealer.open(&key, &sealed).await?
                {
                    return Ok((replay(&record, &body)?, None));
                }
                let (created, rest) = work.clone()(tx).await?;
                let record = Record { body: body.clone(), made: created };
                let encrypted = sealer.seal(&key, serde_json::to_vec(&record)?).await?;
                idempotency_records::replace(tx, &key, &encrypted, tx.now() + LIFETIME).await?;
                Ok((record.made.into_response(), Some(rest)))
            })
            .await
    }
}

/// Returns the stored response, if the request has the same `body`.
fn replay(record: &[u8], body: &[u8]) -> Result<Response, ApiError> {
    let record: Record = serde_json::from_slice(record)?;
    if record.body != body {
        return Err(REUSED.into());
    }
    let mut response = record.made.into_response();
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
