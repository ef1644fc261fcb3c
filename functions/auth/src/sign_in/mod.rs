//! Ways to sign in.

pub mod login;
pub mod magic_links;
pub mod session_tokens;
