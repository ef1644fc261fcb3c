//! Who is calling, and how they prove it.

pub mod access_token;
pub mod caller;
mod crypto;
pub mod password;
pub mod session;

pub use caller::Caller;
