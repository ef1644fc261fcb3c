//! The account's e-mail address.

pub mod change;
pub mod confirm;
pub mod request_verification;
pub mod verify;
