//! Cookies that scripts cannot read (OWASP Session Management Cheat Sheet).

use axum::http::{HeaderMap, HeaderValue, header};

/// The refresh token.
pub const REFRESH: Cookie = Cookie("__Host-arches_refresh");
/// The token of a known device.
pub const DEVICE: Cookie = Cookie("__Host-arches_device");

/// The name of a cookie. `__Host-`: only over TLS, only from this host, for every path (RFC 6265bis, 4.1.3.2).
pub struct Cookie(&'static str);

impl Cookie {
    /// Returns the value in the request.
    pub fn read(&self, headers: &HeaderMap) -> Option<String> {
        let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        pairs
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.0)
            .map(|(_, value)| value.to_owned())
    }

    /// Returns the header that sets the cookie for `max_age` seconds.
    pub fn set(&self, value: &str, max_age: i64) -> Option<HeaderValue> {
        let Self(name) = self;
        let text = format!("{name}={value}; Max-Age={max_age}; Path=/; Secure; HttpOnly; SameSite=Strict");
        HeaderValue::try_from(text).ok()
    }
}

/// Returns the header that removes the refresh token. The device stays known.
pub fn clear() -> HeaderValue {
    HeaderValue::from_static("__Host-arches_refresh=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict")
}
