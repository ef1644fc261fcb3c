//! `POST /v1/auth/passkeys`

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    ApiError, Refusal,
    auth::{Actor, Caller, Fresh},
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        audit::Action, ids::UserId, input::Name, mail_delivery::Mailbox, page::Data, passkey::PasskeyView,
    },
    http::{etag::ETag, extract::Body},
    store::{
        self,
        passkeys::{NewPasskey, Passkey},
    },
};
use utoipa::ToSchema;
use webauthn_rs_core::proto::{RegisterPublicKeyCredential, RegistrationState};

use super::{
    Credential, Kind, MAX_PASSKEYS, lock_owner, mails,
    relying_party::{RelyingParty, Verified},
};
use crate::{OauthState, refusals};

/// The token of the ceremony, and what the authenticator made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddedPasskey {
    token: OneTimeToken,
    name: Name,
    #[schema(inline)]
    credential: Credential,
}

/// Add a passkey.
///
/// From now on it signs in to the account, and it is a second factor. The credential must be discoverable, and its authenticator must verify the
/// user. The attestation is not checked against a list of makers.
#[utoipa::path(
    post, path = "/v1/auth/passkeys", tag = "oauth", operation_id = "add_passkey",
    request_body = AddedPasskey, security(("bearer" = [])),
    responses(
        (status = 201, description = "The passkey.", body = Data<PasskeyView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`address-not-proved`"),
        (status = 409, description = "`passkey-exists` or `too-many-passkeys`"),
        (status = 422, description = "`passkey-not-valid`: also after five minutes, and if the token was used before"),
    ),
)]
pub async fn add(
    State(state): State<OauthState>,
    Fresh(caller): Fresh<Caller>,
    Body(new): Body<AddedPasskey>,
) -> Result<Response, ApiError> {
    let (token_hash, name) = (new.token.hash(), new.name);
    let credential = new.credential.read().ok_or(refusals::PASSKEY_NOT_VALID)?;
    let added = caller.transaction(async |tx| {
        let user = lock_owner(tx, &caller).await?;
        let verified = verify(&state, tx, user.id, &token_hash, &credential).await?;
        // Committed, also if it is a refusal: the ceremony is used up.
        Ok(match verified {
            Some(verified) => {
                insert(tx, &caller, name.as_ref(), &verified).await?.map(|passkey| (passkey, user.mailbox()))
            }
            None => Err(refusals::PASSKEY_NOT_VALID),
        })
    });
    let (passkey, mailbox): (Passkey, Mailbox) = added.await??;
    mails::send_added(&state, &mailbox).await;
    let version = passkey.version;
    let body = Json(Data { data: PasskeyView::from(passkey) });
    Ok((StatusCode::CREATED, ETag(version), body).into_response())
}

/// Uses up the ceremony of `user`, and verifies the credential. `None` if either is not valid.
async fn verify(
    state: &OauthState,
    tx: &mut Tx,
    user: UserId,
    token_hash: &[u8],
    credential: &RegisterPublicKeyCredential,
) -> Result<Option<Verified>, ApiError> {
    let Some(ceremony) = store::passkey_ceremonies::consume_addition(tx, user, token_hash).await? else {
        return Ok(None);
    };
    let kept: Option<RegistrationState> = Kind::Addition.open(state, token_hash, &ceremony.sealed).await?;
    let Some(kept) = kept else { return Ok(None) };
    match RelyingParty::of(state)?.finish_addition(&kept, credential) {
        Ok(verified) => Ok(Some(verified)),
        Err(error) => {
            tracing::info!(%error, "passkey not added");
            Ok(None)
        }
    }
}

/// Inserts the passkey.
async fn insert(
    tx: &mut Tx,
    caller: &Caller,
    name: &str,
    verified: &Verified,
) -> Result<Result<Passkey, Refusal>, ApiError> {
    if store::passkeys::credential_ids(tx, caller.user).await?.len() >= MAX_PASSKEYS {
        return Ok(Err(refusals::TOO_MANY_PASSKEYS));
    }
    let new = NewPasskey {
        user: caller.user,
        name,
        credential_id: &verified.credential_id,
        public_key: &verified.public_key,
        sign_count: verified.sign_count,
        backup_eligible: verified.backup_eligible,
        backed_up: verified.backed_up,
    };
    let Some(passkey) = store::passkeys::insert(tx, &new).await? else {
        return Ok(Err(refusals::PASSKEY_EXISTS));
    };
    caller.audit(tx, Action::PasskeyAdded, passkey.id).await?;
    Ok(Ok(passkey))
}
