//! `/v1/auth/accounts`: the ways in which a user can sign in.

pub mod create;
pub mod list;
pub mod passkeys;
pub mod remove;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::caller::UNAUTHENTICATED,
    db::Tx,
    domain::ids::{IdentityId, PasskeyId, UserId},
    store::{self, identities::Identity, passkeys::Passkey},
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
    /// With a passkey.
    Passkey,
}

/// The id of a way to sign in: `password`, `email`, or that of an identity or a passkey.
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
    Passkey(PasskeyId),
}

impl TryFrom<String> for MethodId {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let way = match raw.as_str() {
            "password" => Some(Way::Password),
            "email" => Some(Way::Email),
            // Or a passkey. The text does not tell.
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
            Way::Passkey(id) => id.to_string(),
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
    /// The name of the passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Phone", max_length = 100)]
    name: Option<String>,
    /// Whether the passkey was on several devices, or in a backup, when it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    backed_up: Option<bool>,
    /// The version of the passkey, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    version: Option<i64>,
    /// When the identity was linked, or the passkey was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    created_at: Option<DateTime<Utc>>,
    /// When the identity or the passkey last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_used_at: Option<DateTime<Utc>>,
}

impl SignInMethod {
    fn new(way: Way, method: Method) -> Self {
        Self {
            id: MethodId(way),
            method,
            provider: None,
            label: None,
            email: None,
            name: None,
            backed_up: None,
            version: None,
            created_at: None,
            last_used_at: None,
        }
    }

    fn of(identity: Identity, state: &AuthState) -> Self {
        Self {
            label: Some(label(state, &identity.provider).to_owned()),
            provider: Some(identity.provider),
            email: identity.email,
            created_at: Some(identity.created_at),
            last_used_at: Some(identity.last_used_at),
            ..Self::new(Way::Identity(identity.id), Method::Provider)
        }
    }

    fn of_passkey(passkey: Passkey) -> Self {
        Self {
            name: Some(passkey.name),
            backed_up: Some(passkey.backed_up),
            version: Some(passkey.version),
            created_at: Some(passkey.created_at),
            last_used_at: passkey.last_used_at,
            ..Self::new(Way::Passkey(passkey.id), Method::Passkey)
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
    let own = password.into_iter().chain(email).map(|(way, method)| SignInMethod::new(way, method));
    let identities = store::identities::list(tx, user).await?;
    let identities = identities.into_iter().map(|identity| SignInMethod::of(identity, state));
    let passkeys = store::passkeys::list(tx, user).await?;
    Ok(own.chain(identities).chain(passkeys.into_iter().map(SignInMethod::of_passkey)).collect())
}
