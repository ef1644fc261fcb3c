//! The account's password.

pub mod change;
pub mod forgot;
pub mod reauthenticate;
pub mod reset;
