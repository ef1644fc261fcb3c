//! Sign-in with a passkey: what follows after `oauth` has verified it. The code came in the answer to the front end, and in no URL, so it needs no
//! cookie: nobody can lead a browser to it.

use shared::{
    ApiError,
    auth::{Actor, Guest},
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        factor::Factor,
    },
    store::{self, users::User},
};

use super::{
    first_step::{self, FirstAnswer, FirstStep},
    origin::Origin,
    session_tokens::Transport,
};
use crate::{AuthState, refusals};

/// Uses up the code of a passkey, and signs its user in. No second factor is asked for: a passkey counts as two.
pub async fn sign_in(
    state: &AuthState,
    request: &RequestInfo,
    code: &OneTimeToken,
    transport: Transport,
    origin: &Origin,
) -> Result<FirstAnswer, ApiError> {
    state.signer.check().await?;
    let guest = Guest { db: &state.app.db, name: String::new() };
    let hash = code.hash();
    let step = guest.transaction(async |tx| {
        let Some(user) = use_up(tx, request, &hash).await? else { return Ok(None) };
        let factor = Factor::Passkey;
        let step = first_step::complete(state, tx, user, factor, transport, request, origin);
        Ok(Some(step.await?))
    });
    let step: FirstStep = step.await?.ok_or(refusals::WRONG_SIGN_IN_CODE)?;
    Ok(step.committed(state).await)
}

/// Locks the user of the code, and uses it up. `None` if the user cannot sign in, which is recorded in the audit log.
async fn use_up(tx: &mut Tx, request: &RequestInfo, hash: &[u8]) -> Result<Option<User>, ApiError> {
    let owner = store::passkey_ceremonies::find_user(tx, hash).await?.ok_or(refusals::WRONG_SIGN_IN_CODE)?;
    let user = store::users::lock(tx, owner).await?.ok_or(refusals::WRONG_SIGN_IN_CODE)?;
    if !store::passkey_ceremonies::exchange(tx, user.id, hash).await? {
        return Err(refusals::WRONG_SIGN_IN_CODE.into());
    }
    if user.is_active() {
        return Ok(Some(user));
    }
    let event = Event::refused(Action::SessionCreated, Some(user.id), request);
    store::audit_events::insert(tx, &event).await?;
    Ok(None)
}
