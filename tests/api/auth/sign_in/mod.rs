//! `/v1/auth`: sign-in.

mod login;
mod magic_links;
