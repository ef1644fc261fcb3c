//! Who is calling, how they prove it, and what they may do.

pub mod access_token;
pub mod account;
pub mod administrator;
pub mod api_key;
pub mod caller;
mod crypto;
pub mod key_set;
pub mod member;
pub mod password;
pub mod permission;
pub mod session;

pub use administrator::Administrator;
pub use caller::Caller;
pub use member::Member;
