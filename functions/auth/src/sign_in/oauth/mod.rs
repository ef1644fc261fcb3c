//! Sign-in with identity providers: what follows after `oauth` has confirmed an identity.

pub mod confirm;
pub mod exchange;
mod resolve;

use shared::{
    ApiError,
    db::Tx,
    domain::provider::{ProviderIdentity, Sealed},
    store::{self, oauth_flows::Arrived},
};

use crate::{AuthState, refusals};

/// Returns the identity of a flow.
async fn identity_of(state: &AuthState, flow: &Arrived) -> Result<ProviderIdentity, ApiError> {
    let context = Sealed::Identity.context(&flow.state_hash);
    let sealed = flow.sealed.as_deref().unwrap_or_default();
    // `None` if the key has been dropped since.
    let plain = state.app.sealer.open(&context, sealed).await?.ok_or(refusals::WRONG_SIGN_IN_CODE)?;
    Ok(serde_json::from_slice(&plain)?)
}

/// Uses up the code of a flow. Its user is locked.
async fn use_up(tx: &mut Tx, flow: &Arrived) -> Result<(), ApiError> {
    if store::oauth_flows::exchange(tx, flow.id).await? {
        Ok(())
    } else {
        Err(refusals::WRONG_SIGN_IN_CODE.into())
    }
}

/// Returns the text of the provider's button; its name if it is not offered any more.
pub fn label<'a>(state: &'a AuthState, provider: &'a str) -> &'a str {
    state.app.config.sign_in.providers.find(provider).map_or(provider, |found| &found.label)
}
