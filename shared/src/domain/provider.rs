//! Identity providers, such as Google, and what they say about a person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::is_provider_name;

/// The name of an identity provider: 1 to 32 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 32, pattern = "^[a-z0-9][a-z0-9-]*$", example = "google"
)]
pub struct ProviderName(String);

impl AsRef<str> for ProviderName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProviderName {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        if is_provider_name(&raw) {
            Ok(Self(raw))
        } else {
            Err("a name of a provider has 1 to 32 characters of a-z, 0-9 and -, and does not begin with -")
        }
    }
}

/// What an identity provider says about a person who signed in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderIdentity {
    /// Who says it. With [`Self::subject`] it identifies the person, and nothing else does.
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    /// Whether the provider vouches that the person reads the address.
    pub email_proved: bool,
    pub name: Option<String>,
}

/// What `sealed` of a flow is encrypted for, so that a text of one flow or of one step opens in no other.
#[derive(Debug, Clone, Copy)]
pub enum Sealed {
    /// The PKCE verifier and the nonce, on the way to the provider.
    Begun,
    /// A [`ProviderIdentity`], after the callback.
    Identity,
}

impl Sealed {
    /// Returns the context of the encryption for the flow whose state has this hash.
    #[must_use]
    pub fn context(self, state_hash: &[u8]) -> Vec<u8> {
        let step: &[u8] = match self {
            Self::Begun => b"oauth-begun\n",
            Self::Identity => b"oauth-identity\n",
        };
        [step, state_hash].concat()
    }
}
