//! Tokens, keys, passwords and encryption.

pub mod access_token;
pub mod api_key;
pub mod imported_password;
mod jwt_provider;
pub mod key_set;
pub mod keyring;
pub mod one_time_token;
pub mod password;
pub mod scram;
pub mod seal;
