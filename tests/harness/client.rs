//! A client of the API.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::TestApp;

/// The name that a REST API gives to `WWW-Authenticate`.
pub const CHALLENGE: HeaderName = HeaderName::from_static("x-amzn-remapped-www-authenticate");
pub const PASSWORD: &str = "correct horse battery staple";

/// A client with a source address and headers.
#[derive(Clone)]
pub struct Client<'a> {
    pub(crate) app: &'a TestApp,
    address: String,
    headers: HeaderMap,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, or null if it was not JSON.
    pub body: Value,
    /// The body as text.
    pub page: String,
}

impl Answer {
    /// Returns the header `name`, or an empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of text"))
    }

    /// Returns the text at `pointer` in the body.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {self:?}"))
    }

    /// Returns the code of the problem.
    #[must_use]
    pub fn problem(&self) -> &str {
        self.text("/type").rsplit('/').next().unwrap_or_default()
    }

    /// Checks the status, the code and the form of a refusal.
    #[track_caller]
    pub fn refused(&self, status: u16, problem: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.problem(), problem, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.text("/requestId"), self.header("x-request-id"));
    }

    /// Checks the status, and returns the answer.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "callers need only the check"
    )]
    pub fn ok(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }
}

impl<'a> Client<'a> {
    pub(crate) fn new(app: &'a TestApp, address: &str) -> Self {
        Self { app, address: address.to_owned(), headers: HeaderMap::new() }
    }

    /// Returns a copy with another source address.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// Returns a copy with one more header.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        let name: HeaderName = name.parse().expect("a header's name");
        client.headers.insert(name, HeaderValue::from_str(value).expect("a header's value"));
        client
    }

    /// Returns a copy with an access token.
    #[must_use]
    pub fn token(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json().send(Method::POST, path, Body::from(body.to_string())).await
    }

    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(Method::POST, path, Body::empty()).await
    }

    pub async fn post_bytes(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.json().send(Method::POST, path, body.into()).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json().send(Method::PATCH, path, Body::from(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Body::empty()).await
    }

    pub async fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.json().send(Method::DELETE, path, Body::from(body.to_string())).await
    }

    pub async fn call(&self, method: &Method, path: &str, body: Option<&Value>) -> Answer {
        match body {
            Some(body) => self.json().send(method.clone(), path, Body::from(body.to_string())).await,
            None => self.send(method.clone(), path, Body::empty()).await,
        }
    }

    fn json(&self) -> Self {
        if self.headers.contains_key(header::CONTENT_TYPE) {
            self.clone()
        } else {
            self.with("content-type", "application/json")
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: Body) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).body(body).expect("a well-formed request");
        *request.headers_mut() = self.headers.clone();
        request.extensions_mut().insert(self.app.log.gateway(&self.address));
        let mut response = self.app.functions.at(path).oneshot(request).await.expect("a router never fails");
        rename_as_rest_api(response.headers_mut());
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("the body is in memory");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        assert_says_in_the_body(&headers, &body);
        Answer { status, headers, body, page: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

/// Renames a header as a REST API does. `Host`, `Authorization` and others are renamed too, but no answer has them.
fn rename_as_rest_api(headers: &mut HeaderMap) {
    if let Some(challenge) = headers.remove(header::WWW_AUTHENTICATE) {
        headers.insert(CHALLENGE, challenge);
    }
}

/// Fails if an answer has a challenge that its body does not repeat: few clients know the header under its other name.
fn assert_says_in_the_body(headers: &HeaderMap, body: &Value) {
    let Some(challenge) = headers.get(CHALLENGE) else { return };
    let challenge = challenge.to_str().expect("a header of text");
    let code = body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default();
    let (age, is_newer_needed) = (body["maxAge"].as_i64(), code == "fresh-sign-in-needed");
    assert!(!code.is_empty(), "a challenge without a problem: {body}");
    assert_eq!(
        challenge.contains("insufficient_user_authentication"),
        is_newer_needed,
        "{challenge}: {body}"
    );
    let in_header = age.is_some_and(|age| challenge.contains(&format!("max_age=\"{age}\"")));
    assert_eq!(in_header, is_newer_needed, "{challenge}: {body}");
}

/// A signed-in user.
pub struct Person<'a> {
    /// Sends the access token of the session.
    pub client: Client<'a>,
    pub email: String,
    pub id: String,
    /// The id of the session.
    pub session: String,
    pub access_token: String,
    pub refresh_token: String,
    pub device_token: String,
}

impl<'a> Person<'a> {
    pub(crate) async fn register(app: &'a TestApp, name: &str) -> Self {
        let email = format!("{}.{}@example.com", name.to_lowercase(), Uuid::new_v4().simple());
        let body = json!({ "name": name, "email": email, "password": PASSWORD });
        let client = app.client();
        let answer = client.post("/v1/auth/register", body).await.ok(201);
        Self::signed_in(&client, email, &answer)
    }

    /// Signs in once more, from the same device and another source address.
    pub async fn sign_in_again(&self) -> Self {
        self.sign_in(json!({ "email": self.email, "password": PASSWORD, "deviceToken": self.device_token }))
            .await
    }

    /// Signs in once more, from a device that the account does not know.
    pub async fn sign_in_elsewhere(&self) -> Self {
        self.sign_in(json!({ "email": self.email, "password": PASSWORD })).await
    }

    async fn sign_in(&self, body: Value) -> Self {
        let client = self.client.app.client();
        let answer = client.post("/v1/auth/login", body).await.ok(201);
        Self::signed_in(&client, self.email.clone(), &answer)
    }

    pub(crate) fn signed_in(client: &Client<'a>, email: String, answer: &Answer) -> Self {
        Self {
            client: client.token(answer.text("/data/accessToken")),
            email,
            id: answer.text("/data/user/id").to_owned(),
            session: answer.text("/data/session/id").to_owned(),
            access_token: answer.text("/data/accessToken").to_owned(),
            refresh_token: answer.text("/data/refreshToken").to_owned(),
            device_token: answer.text("/data/deviceToken").to_owned(),
        }
    }

    /// Sends the refresh token `token`.
    pub async fn refresh(&self, token: &str) -> Answer {
        let client = Client { headers: HeaderMap::new(), ..self.client.clone() };
        client.post("/v1/auth/refresh", json!({ "refreshToken": token })).await
    }
}
