//! Ways to sign in.

pub mod challenges;
pub mod device;
pub mod first_step;
pub mod login;
pub mod magic_links;
pub mod new_device;
pub mod oauth;
pub mod origin;
pub mod passkeys;
pub mod reauthenticate;
pub mod reject;
pub mod session_tokens;
