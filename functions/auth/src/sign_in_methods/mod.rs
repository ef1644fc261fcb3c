//! `/v1/auth/accounts`: the ways in which a user can sign in.

pub mod list;
pub mod remove;

use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    db::Tx,
    store::{self, users::User},
};
use utoipa::{IntoParams, ToSchema};

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
#[schema(as = Account)]
pub struct SignInMethod {
    /// Unique among my ways to sign in.
    id: Method,
}

/// The path of a way to sign in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MethodPath {
    /// Which one.
    id: Method,
}

/// Loads the ways in which `user` can sign in.
async fn load(tx: &mut Tx, user: &User) -> Result<Vec<SignInMethod>, ApiError> {
    let password = store::users::password_hash(tx, user.id).await?.map(|_| Method::Password);
    let email = user.email_verified_at.map(|_| Method::Email);
    Ok(password.into_iter().chain(email).map(|id| SignInMethod { id }).collect())
}
