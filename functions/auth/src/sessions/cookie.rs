//! The refresh token as a cookie that scripts cannot read (OWASP Session Management Cheat Sheet).

use axum::http::{HeaderMap, HeaderValue, header};

/// `__Host-`: only over TLS, only from this host, for every path (RFC 6265bis, 4.1.3.2).
const NAME: &str = "__Host-arches_refresh";

/// Returns the refresh token in the request's cookie.
pub fn read(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, value)| value.to_owned())
}

/// Returns the header that sets the cookie for `max_age` seconds.
pub fn set(token: &str, max_age: i64) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!(
        "{NAME}={token}; Max-Age={max_age}; Path=/; Secure; HttpOnly; SameSite=Strict"
    ))
    .ok()
}

/// Returns the header that removes the cookie.
pub fn clear() -> HeaderValue {
    HeaderValue::from_static("__Host-arches_refresh=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict")
}
