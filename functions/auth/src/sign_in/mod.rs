//! Ways to sign in.

pub mod device;
pub mod first_step;
pub mod login;
pub mod magic_links;
pub mod origin;
pub mod reauthenticate;
pub mod session_tokens;
