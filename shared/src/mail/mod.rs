//! Mail: rendering and sending.

pub mod letters;
pub mod mailer;
pub mod message;
