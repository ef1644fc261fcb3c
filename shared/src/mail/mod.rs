//! Mail: rendering and sending.

pub mod mailer;
pub mod message;
