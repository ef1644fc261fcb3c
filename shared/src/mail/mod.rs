//! Mail: how messages look, and how they are sent.

pub mod mailer;
pub mod message;
