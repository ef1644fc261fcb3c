//! `/v1/auth/passkeys`: ceremonies with passkeys (WebAuthn Level 3). A sign-in ends with a code, for which `auth` learns the user. Passkeys are
//! listed, renamed and removed there too.

pub mod add;
pub mod addition;
mod mails;
mod relying_party;
pub mod sign_in;
pub mod sign_in_options;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use shared::{
    ApiError,
    auth::{Caller, caller::UNAUTHENTICATED},
    cache::rate_limit::Limit,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    store::{self, users::User},
};
use utoipa::ToSchema;

use crate::{OauthState, refusals};

/// The most passkeys of an account.
const MAX_PASSKEYS: usize = 20;

/// A begun ceremony.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ceremony {
    /// Send it with the credential. It works once.
    #[schema(min_length = 43, max_length = 43)]
    token: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` (WebAuthn Level 3, 5.1.8 and 5.1.9).
    #[schema(value_type = Object)]
    public_key: Value,
    /// The token works before this time.
    expires_at: DateTime<Utc>,
}

/// The result of `toJSON()` of a credential (WebAuthn Level 3, 5.1). Unknown members are ignored, because browsers add some.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Credential(Map<String, Value>);

impl Credential {
    /// Reads the credential. `None` if it has another form.
    fn read<T: DeserializeOwned>(self) -> Option<T> {
        serde_json::from_value(Value::Object(self.0)).ok()
    }
}

/// What `sealed` of a ceremony is encrypted for, so that a text of one ceremony or of one kind opens in no other. Nobody but this function can
/// read or change it: the library leaves that to its caller.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Addition,
    SignIn,
}

impl Kind {
    fn context(self, token_hash: &[u8]) -> Vec<u8> {
        let kind: &[u8] = match self {
            Self::Addition => b"passkey-addition\n",
            Self::SignIn => b"passkey-sign-in\n",
        };
        [kind, token_hash].concat()
    }

    /// Encrypts the state of a ceremony.
    async fn seal(
        self,
        state: &OauthState,
        token: &OneTimeToken,
        kept: &impl Serialize,
    ) -> Result<Vec<u8>, ApiError> {
        Ok(state.app.sealer.seal(&self.context(&token.hash()), serde_json::to_vec(kept)?).await?)
    }

    /// Decrypts the state of a ceremony. `None` if the key has been dropped since.
    async fn open<T: DeserializeOwned>(
        self,
        state: &OauthState,
        token_hash: &[u8],
        sealed: &[u8],
    ) -> Result<Option<T>, ApiError> {
        let plain = state.app.sealer.open(&self.context(token_hash), sealed).await?;
        Ok(plain.map(|plain| serde_json::from_slice(&plain)).transpose()?)
    }
}

/// Counts a request, or refuses it.
async fn count(state: &OauthState, limit: Limit, subject: String) -> Result<(), ApiError> {
    let (_, reached) = state.app.rate_limiter.take(&[(limit, subject)], state.app.clock.now()).await;
    match reached {
        Some(reached) => Err(refusals::TOO_MANY_ATTEMPTS.reached(reached)),
        None => Ok(()),
    }
}

/// Locks the caller until the transaction ends. Refuses if the session has ended, and if a stranger may have registered the address: a passkey
/// must not stay when its owner comes.
async fn lock_owner(tx: &mut Tx, caller: &Caller) -> Result<User, ApiError> {
    let user = store::users::lock(tx, caller.user).await?.filter(User::is_active);
    let is_live = store::sessions::find_live(tx, caller.session).await?.is_some();
    let user = user.filter(|_| is_live).ok_or(UNAUTHENTICATED)?;
    if store::users::is_owner_known(tx, user.id).await? {
        Ok(user)
    } else {
        Err(refusals::ADDRESS_NOT_PROVED.into())
    }
}
