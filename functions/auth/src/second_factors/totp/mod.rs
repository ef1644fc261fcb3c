//! `/v1/auth/totp`: the authenticator app of the caller.

pub mod confirm;
pub mod remove;
pub mod start;
