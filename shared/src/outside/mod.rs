//! What is not ours: a trait where tests must replace it.

pub mod aws;
pub mod custom_resource;
pub mod mail;
pub mod secret_versions;
pub mod storage;
