//! Cookies that scripts cannot read (OWASP Session Management Cheat Sheet).

use axum::http::{HeaderMap, HeaderValue, header};

/// Binds a sign-in with an identity provider to the browser that began it. The provider sends the browser back, which is a navigation
/// from another site: `Strict` would keep the cookie back.
pub const FLOW: Cookie = Cookie { name: "__Host-arches_flow", same_site: "Lax" };

/// The name of a cookie. `__Host-`: only over TLS, only from this host, for every path (RFC 6265bis, 4.1.3.2).
pub struct Cookie {
    name: &'static str,
    same_site: &'static str,
}

impl Cookie {
    /// A cookie that is not sent with requests from another site.
    #[must_use]
    pub const fn strict(name: &'static str) -> Self {
        Self { name, same_site: "Strict" }
    }

    /// Returns the value in the request.
    #[must_use]
    pub fn read(&self, headers: &HeaderMap) -> Option<String> {
        let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        pairs
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name)
            .map(|(_, value)| value.to_owned())
    }

    /// Returns the header that sets the cookie for `max_age` seconds.
    #[must_use]
    pub fn set(&self, value: &str, max_age: i64) -> Option<HeaderValue> {
        let Self { name, same_site } = self;
        let text =
            format!("{name}={value}; Max-Age={max_age}; Path=/; Secure; HttpOnly; SameSite={same_site}");
        HeaderValue::try_from(text).ok()
    }
}
