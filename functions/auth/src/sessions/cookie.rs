//! The cookies of a session.

use axum::http::HeaderValue;
use shared::http::cookie::Cookie;

/// The refresh token.
pub const REFRESH: Cookie = Cookie::strict("__Host-arches_refresh");
/// The token of a known device.
pub const DEVICE: Cookie = Cookie::strict("__Host-arches_device");

/// Returns the header that removes the refresh token. The device stays known.
pub fn clear() -> HeaderValue {
    HeaderValue::from_static("__Host-arches_refresh=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict")
}
