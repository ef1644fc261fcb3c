//! The device from which somebody signs in, as its request shows it.

use axum::http::HeaderMap;

use crate::sessions::cookie::DEVICE;

/// The device token of a sign-in. It is not verified before the account is known: it is bound to its address.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    device_token: Option<String>,
}

impl Origin {
    /// Reads the device token from the body or from the cookie.
    pub fn read(headers: &HeaderMap, device_token: Option<String>) -> Self {
        Self { device_token: device_token.or_else(|| DEVICE.read(headers)) }
    }

    pub fn device_token(&self) -> Option<&str> {
        self.device_token.as_deref()
    }
}
