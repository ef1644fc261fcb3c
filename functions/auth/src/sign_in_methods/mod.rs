//! `/v1/auth/accounts`: the ways in which a user can sign in.

pub mod create;
pub mod list;
pub mod remove;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::caller::UNAUTHENTICATED,
    db::Tx,
    domain::ids::{IdentityId, UserId},
    store::{self, identities::Identity},
};
use utoipa::{IntoParams, ToSchema};

use crate::{AuthState, sign_in::oauth::label};

/// A kind of way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// With a password.
    Password,
    /// With a link or a code that is mailed to the verified address.
    Email,
    /// With an identity at a provider, such as Google.
    Provider,
}

/// The id of a way to sign in: `password`, `email`, or that of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(
    value_type = String, example = "password", min_length = 5, max_length = 36,
    pattern = "^(password|email|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$",
)]
pub struct MethodId(pub Way);

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Password,
    Email,
    Identity(IdentityId),
}

impl TryFrom<String> for MethodId {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let way = match raw.as_str() {
            "password" => Some(Way::Password),
            "email" => Some(Way::Email),
            id => id.parse().ok().map(|id| Way::Identity(IdentityId(id))),
        };
        // An id has one spelling.
        way.map(Self).filter(|id| String::from(*id) == raw).ok_or("this must be password, email, or an id")
    }
}

impl From<MethodId> for String {
    fn from(MethodId(way): MethodId) -> Self {
        match way {
            Way::Password => "password".to_owned(),
            Way::Email => "email".to_owned(),
            Way::Identity(id) => id.to_string(),
        }
    }
}

/// One of my ways to sign in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
#[serde(rename_all = "camelCase")]
pub struct SignInMethod {
    /// Unique among my ways to sign in.
    id: MethodId,
    method: Method,
    /// The provider of an identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "google", max_length = 32)]
    provider: Option<String>,
    /// What people call the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Google", max_length = 64)]
    label: Option<String>,
    /// The address at the provider when the identity was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "ada@example.com", max_length = 2048)]
    email: Option<String>,
    /// When the identity was linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    created_at: Option<DateTime<Utc>>,
    /// When the identity last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_used_at: Option<DateTime<Utc>>,
}

impl SignInMethod {
    fn without_provider(way: Way, method: Method) -> Self {
        Self {
            id: MethodId(way),
            method,
            provider: None,
            label: None,
            email: None,
            created_at: None,
            last_used_at: None,
        }
    }

    fn of(identity: Identity, state: &AuthState) -> Self {
        Self {
            id: MethodId(Way::Identity(identity.id)),
            method: Method::Provider,
            label: Some(label(state, &identity.provider).to_owned()),
            provider: Some(identity.provider),
            email: identity.email,
            created_at: Some(identity.created_at),
            last_used_at: Some(identity.last_used_at),
        }
    }
}

/// The path of a way to sign in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MethodPath {
    /// The way to sign in.
    #[param(inline)]
    id: MethodId,
}

/// Loads the ways in which `user` can sign in.
async fn load(tx: &mut Tx, state: &AuthState, user: UserId) -> Result<Vec<SignInMethod>, ApiError> {
    let methods = store::users::sign_in_methods(tx, user).await?.ok_or(UNAUTHENTICATED)?;
    let password = methods.password.then_some((Way::Password, Method::Password));
    let email = methods.email.then_some((Way::Email, Method::Email));
    let own =
        password.into_iter().chain(email).map(|(way, method)| SignInMethod::without_provider(way, method));
    let identities = store::identities::list(tx, user).await?;
    Ok(own.chain(identities.into_iter().map(|identity| SignInMethod::of(identity, state))).collect())
}
