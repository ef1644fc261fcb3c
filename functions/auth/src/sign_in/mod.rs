//! Ways to sign in.

pub mod login;
pub mod magic_links;
pub mod reauthenticate;
pub mod session_tokens;
