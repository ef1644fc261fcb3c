//! Ways to sign in.

pub mod device;
pub mod login;
pub mod magic_links;
pub mod reauthenticate;
pub mod session_tokens;
