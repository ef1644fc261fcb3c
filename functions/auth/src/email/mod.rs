//! The account's e-mail address.

pub mod change;
pub mod confirm;
pub mod reject;
pub mod request_verification;
pub mod undo;
pub mod verify;
