//! `/v1/auth`: sign-in.

mod login;
mod magic_links;
mod new_devices;
mod oauth;
mod reject;
