//! `/v1/auth`: ways to sign in.

mod login;
mod magic_links;
