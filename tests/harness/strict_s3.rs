//! A front before moto's S3 that checks presigned URLs as S3 does. moto checks nothing of them.
//!
//! After the Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request as Received, State},
    http::{HeaderMap, Response as Answer},
};
use chrono::{NaiveDateTime, TimeDelta};
use data_encoding::{BASE64, HEXLOWER};
use ring::{digest, hmac};
use shared::{
    config::Environment,
    domain::{clock::Clock, deadline::Deadline},
    http_client::{HttpClient, Request},
};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::service;

const MAX_BYTES: usize = 128 << 20;
const TIMEOUT: Duration = Duration::from_mins(1);
/// S3 signs presigned URLs for at most a week.
const MAX_EXPIRES: i64 = 7 * 24 * 3600;

/// moto refuses objects to strangers; it does not check the signature.
const CREDENTIAL: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=none",
);

/// The front, until it is dropped.
pub struct StrictS3 {
    address: String,
    http: HttpClient,
    task: JoinHandle<()>,
}

/// A refusal: status and code of S3's error.
type Refused = (u16, &'static str);

#[derive(Clone)]
struct Front {
    clock: Arc<dyn Clock>,
    http: HttpClient,
}

impl StrictS3 {
    /// Starts the front. `clock` decides which URLs have expired.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        let http = HttpClient::new(Environment::Test);
        let front = Front { clock, http: http.clone() };
        let router = Router::new().fallback(handle).with_state(front);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let task =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("the front serves") });
        Self { address, http, task }
    }

    /// Sends a request to a presigned URL. Returns status and body.
    ///
    /// The URL names moto. The request goes to the front with the host of the URL, as to a name that leads to another address.
    pub async fn send(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let mut url: Url = url.parse().expect("a URL");
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let (front, port) = self.address.split_once(':').expect("host and port");
        url.set_host(Some(front)).expect("a host");
        url.set_port(port.parse().ok()).expect("a port");
        let mut sent = vec![("host", host.as_str())];
        // The client sets this one from the body, as browsers do.
        sent.extend(headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")));
        send(&self.http, method, &url, &sent, body.to_vec()).await
    }
}

impl Drop for StrictS3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn send(
    http: &HttpClient,
    method: &'static str,
    url: &Url,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> (u16, Vec<u8>) {
    let deadline = Deadline::after(TIMEOUT);
    let request = Request { method, url, headers, body, deadline, max_bytes: MAX_BYTES };
    let response = http.send(request).await.expect("a response");
    (response.status(), response.bytes().await.expect("a body"))
}

async fn handle(State(front): State<Front>, request: Received) -> Answer<Body> {
    let (status, body) = match front.serve(request).await {
        Ok(answer) => answer,
        Err((status, code)) => (status, format!("<Error><Code>{code}</Code></Error>").into_bytes()),
    };
    Answer::builder().status(status).body(body.into()).expect("an answer")
}

impl Front {
    async fn serve(&self, request: Received) -> Result<(u16, Vec<u8>), Refused> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_BYTES).await.map_err(|_| (400, "IncompleteBody"))?.to_vec();
        let query = parts.uri.query().unwrap_or_default();
        let method = match parts.method.as_str() {
            "PUT" => "PUT",
            "GET" => "GET",
            "DELETE" => "DELETE",
            _ => return Err((405, "MethodNotAllowed")),
        };
        self.check_signature(method, parts.uri.path(), query, &parts.headers)?;
        check_body(&parts.headers, &body)?;
        let moto: Url = service("AWS_ENDPOINT_URL").parse().expect("a URL");
        let target = moto.join(parts.uri.path()).expect("a URL");
        if parts.headers.get("if-none-match").is_some_and(|value| value == "*") {
            let (status, _) = send(&self.http, "GET", &target, &[CREDENTIAL], Vec::new()).await;
            if status == 200 {
                return Err((412, "PreconditionFailed"));
            }
        }
        let passed = ["content-type", "x-amz-checksum-sha256", "x-amz-sdk-checksum-algorithm"];
        let passed: Vec<_> = passed
            .into_iter()
            .filter_map(|name| Some((name, parts.headers.get(name)?.to_str().ok()?)))
            .chain([CREDENTIAL])
            .collect();
        let mut target = target;
        let kept: Vec<_> =
            query.split('&').filter(|pair| !pair.to_lowercase().starts_with("x-amz-")).collect();
        target.set_query(Some(&kept.join("&")).filter(|query| !query.is_empty()).map(String::as_str));
        Ok(send(&self.http, method, &target, &passed, body).await)
    }

    fn check_signature(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<(), Refused> {
        const MALFORMED: Refused = (400, "AuthorizationQueryParametersError");
        let parameter = |name: &str| -> Result<String, Refused> {
            let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).ok_or((403, "AccessDenied"))
        };
        let (credential, date) = (parameter("X-Amz-Credential")?, parameter("X-Amz-Date")?);
        let (signed, signature) = (parameter("X-Amz-SignedHeaders")?, parameter("X-Amz-Signature")?);
        if parameter("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
            return Err(MALFORMED);
        }

        let expires: i64 = parameter("X-Amz-Expires")?.parse().map_err(|_| MALFORMED)?;
        let signed_at =
            NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").map_err(|_| MALFORMED)?.and_utc();
        if !(1..=MAX_EXPIRES).contains(&expires) {
            return Err(MALFORMED);
        }
        if self.clock.now() > signed_at + TimeDelta::seconds(expires) {
            return Err((403, "AccessDenied"));
        }

        let signed_names: Vec<_> = signed.split(';').collect();
        let header = |name: &&str| {
            let value =
                headers.get(*name).and_then(|value| value.to_str().ok()).ok_or((403, "AccessDenied"))?;
            Ok(format!("{name}:{}\n", value.split_whitespace().collect::<Vec<_>>().join(" ")))
        };
        let canonical_headers: String = signed_names.iter().map(header).collect::<Result<_, Refused>>()?;
        let unsigned = |name: &str| name.starts_with("x-amz-") && !signed_names.contains(&name);
        if !signed_names.contains(&"host") || headers.keys().any(|name| unsigned(name.as_str())) {
            return Err((403, "AccessDenied"));
        }

        let mut pairs: Vec<_> =
            query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature=")).collect();
        pairs.sort_unstable();
        let canonical =
            format!("{method}\n{path}\n{}\n{canonical_headers}\n{signed}\nUNSIGNED-PAYLOAD", pairs.join("&"));
        let (key_id, scope) = credential.split_once('/').ok_or(MALFORMED)?;
        let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
        let mut key = format!("AWS4{}", service("AWS_SECRET_ACCESS_KEY")).into_bytes();
        for part in scope.split('/').chain([text.as_str()]) {
            let signing = hmac::Key::new(hmac::HMAC_SHA256, &key);
            key = hmac::sign(&signing, part.as_bytes()).as_ref().to_vec();
        }
        if key_id != service("AWS_ACCESS_KEY_ID") {
            return Err((403, "InvalidAccessKeyId"));
        }
        if HEXLOWER.encode(&key) != signature {
            return Err((403, "SignatureDoesNotMatch"));
        }
        Ok(())
    }
}

/// Compares the body with the checksum that its request has.
fn check_body(headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    let Some(expected) = headers.get("x-amz-checksum-sha256") else { return Ok(()) };
    let actual = BASE64.encode(digest::digest(&digest::SHA256, body).as_ref());
    if expected.as_bytes() == actual.as_bytes() { Ok(()) } else { Err((400, "BadDigest")) }
}
