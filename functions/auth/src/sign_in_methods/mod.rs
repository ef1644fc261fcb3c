//! `/v1/auth/accounts`: the ways in which one can sign in.

pub mod list;
pub mod remove;

use serde::{Deserialize, Serialize};
use shared::store::users::User;
use utoipa::ToSchema;

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// With a password.
    Password,
    /// With a link or a code that is mailed to the proved address.
    Email,
}

/// A way in which I can sign in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    /// Names it among mine.
    id: Method,
}

impl Account {
    /// How `user` can sign in.
    fn all_of(user: &User, has_password: bool) -> Vec<Self> {
        let password = has_password.then_some(Method::Password);
        let email = user.email_verified_at.map(|_| Method::Email);
        password.into_iter().chain(email).map(|id| Self { id }).collect()
    }
}
