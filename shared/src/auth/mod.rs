//! Authentication and authorization of a request.

pub mod actor;
pub mod administrator;
pub mod caller;
pub mod fresh;
pub mod member;
pub(crate) mod pending;
pub mod profile;
mod session;

pub use actor::{Actor, Guest};
pub use administrator::Administrator;
pub use caller::Caller;
pub use fresh::{Fresh, SignedIn};
pub use member::Member;
