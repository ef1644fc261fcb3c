//! Authentication and authorization of a request.

pub mod administrator;
pub mod caller;
pub mod member;
pub mod profile;
pub mod session;

pub use administrator::Administrator;
pub use caller::Caller;
pub use member::Member;
