//! `Idempotency-Key`: a request that is sent twice makes one thing (draft-ietf-httpapi-idempotency-key-header).
//!
//! The first answer is stored in the transaction of the work, so either both are there or neither is.

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
    ApiError, AppState, Refusal,
    db::Tx,
    domain::page::Data,
    http::{extract, headers::IDEMPOTENCY_REPLAYED},
    store::idempotency_records,
};

/// How long an answer is kept.
pub const LIFETIME: TimeDelta = TimeDelta::hours(24);
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

const MALFORMED: Refusal = Refusal::bad_request(
    "malformed-idempotency-key",
    "Idempotency-Key must be one value of 1 to 255 visible ASCII characters.",
);
const IN_PROGRESS: Refusal = Refusal::conflict(
    "idempotency-key-in-progress",
    "A request with this Idempotency-Key is being worked on. Wait for its answer.",
);
const REUSED: Refusal = Refusal::invalid(
    "idempotency-key-reused",
    "This Idempotency-Key was used for another request. Use a new key for a new request.",
);

/// The header, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header that `Create` reads")]
pub struct IdempotencyKey {
    /// Any text that is yours: the same request with the same key, within 24 hours, gets the first answer again
    /// (`Idempotency-Replayed: true`) and makes nothing new.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    idempotency_key: Option<String>,
}

/// The body of a request that creates something.
pub struct Create<T> {
    /// What to create.
    pub new: T,
    /// That it be created once.
    pub once: Once,
}

/// The key of a request, if it has one, and what was asked under it.
pub struct Once(Option<Asked>);

struct Asked {
    key: String,
    /// SHA-256 of the body.
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
        let (new, bytes) = extract::body(request, state).await?;
        let asked = key.map(|key| Asked { key: format!("{path}\n{key}"), body: sha256(&bytes) });
        Ok(Self { new, once: Once(asked) })
    }
}

fn is_key(key: &HeaderValue) -> bool {
    (1..=255).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The answer to a request that made something, in a form that can be kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Made {
    headers: Vec<(String, String)>,
    body: String,
}

impl Made {
    /// 201 with `data`.
    pub fn new(data: impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { headers: Vec::new(), body: serde_json::to_string(&Data { data })? })
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: &HeaderName, value: String) -> Self {
        self.headers.push((name.to_string(), value));
        self
    }

    /// With the version of what was made, as its `ETag`.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        self.with(&header::ETAG, format!("\"{version}\""))
    }
}

impl IntoResponse for Made {
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

/// What is encrypted in the database.
#[derive(Serialize, Deserialize)]
struct Record {
    body: Vec<u8>,
    made: Made,
}

impl Once {
    /// Of a request without a key.
    #[must_use]
    pub fn unkeyed() -> Self {
        Self(None)
    }

    /// Does `work` in a transaction, or answers as it was answered the first time.
    ///
    /// `who` asks: two people may choose the same key. What `work` returns beside the answer is for what follows the commit,
    /// and is there only if the work was done now.
    pub async fn run<T>(
        self,
        app: &AppState,
        who: &str,
        work: impl AsyncFnOnce(&mut Tx) -> Result<(Made, T), ApiError>,
    ) -> Result<(Response, Option<T>), ApiError> {
        let Some(Asked { key, body }) = self.0 else {
            let (made, rest) = app.db.transaction(work).await?;
            return Ok((made.into_response(), Some(rest)));
        };
        let now = app.clock.now();
        let key = sha256(format!("{who}\n{key}").as_bytes());
        app.db
            .transaction(async |tx| -> Result<_, ApiError> {
                if !idempotency_records::try_hold(tx, &key).await? {
                    return Err(IN_PROGRESS.into());
                }
                if let Some(sealed) = idempotency_records::find(tx, &key, now).await?
                    && let Some(record) = app.sealer.open(&key, &sealed).await?
                {
                    let record: Record = serde_json::from_slice(&record)?;
                    if record.body != body {
                        return Err(REUSED.into());
                    }
                    let mut response = record.made.into_response();
                    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
                    return Ok((response, None));
                }
                let (made, rest) = work(tx).await?;
                let record = Record { body, made };
                let sealed = app.sealer.seal(&key, serde_json::to_vec(&record)?).await?;
                idempotency_records::replace(tx, &key, &sealed, now + LIFETIME, now).await?;
                Ok((record.made.into_response(), Some(rest)))
            })
            .await
    }
}
