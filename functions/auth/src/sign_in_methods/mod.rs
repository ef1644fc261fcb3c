//! `/v1/auth/accounts`: the ways in which a user can sign in.

pub mod list;
pub mod remove;

use serde::{Deserialize, Serialize};
use shared::{ApiError, auth::caller::UNAUTHENTICATED, db::Tx, domain::ids::UserId, store};
use utoipa::{IntoParams, ToSchema};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// With a password.
    Password,
    /// With a link or a code that is mailed to the verified address.
    Email,
}

/// One of my ways to sign in.
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
    /// The way to sign in.
    id: Method,
}

/// Loads the ways in which `user` can sign in.
async fn load(tx: &mut Tx, user: UserId) -> Result<Vec<SignInMethod>, ApiError> {
    let methods = store::users::sign_in_methods(tx, user).await?.ok_or(UNAUTHENTICATED)?;
    let password = methods.password.then_some(Method::Password);
    let email = methods.email.then_some(Method::Email);
    Ok(password.into_iter().chain(email).map(|id| SignInMethod { id }).collect())
}
