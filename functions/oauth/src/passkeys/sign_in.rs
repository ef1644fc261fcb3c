//! `POST /v1/auth/passkeys/sign-in`

use std::time::Duration;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    cache::rate_limit::{Limit, subject},
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
        page::Data,
    },
    http::extract::Body,
    store::{self, users::User},
};
use utoipa::ToSchema;
use webauthn_rs_core::proto::{AuthenticationState, PublicKeyCredential};

use super::{
    Credential, Kind, count, mails,
    relying_party::{Refused, RelyingParty, Used},
};
use crate::{OauthState, refusals};

/// Credentials from one source.
const PER_SOURCE: Limit = Limit { name: "passkey-credentials", max: 100, window: Duration::from_mins(15) };

/// The token of the ceremony, and what the authenticator signed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeySignIn {
    token: OneTimeToken,
    #[schema(inline)]
    credential: Credential,
}

/// The passkey is right. There is no session yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyCode {
    /// Works once: to sign in at `/v1/auth/oauth/exchange`, as a second factor at `/v1/auth/challenges/verify`, or at
    /// `/v1/auth/reauthenticate`.
    #[schema(min_length = 43, max_length = 43)]
    passkey_code: String,
    /// The code works before this time, for 60 seconds.
    expires_at: DateTime<Utc>,
}

/// Prove who I am with a passkey.
///
/// Returns a code for `auth`. A passkey counts as two factors, because the authenticator has verified its user. The answer does not tell whether
/// a credential is known.
#[utoipa::path(
    post, path = "/v1/auth/passkeys/sign-in", tag = "oauth", operation_id = "sign_in_with_passkey",
    request_body = PasskeySignIn,
    responses(
        (status = 200, description = "The code.", body = Data<PasskeyCode>),
        (status = 401, description = "`wrong-passkey`"),
    ),
)]
pub async fn sign_in(
    State(state): State<OauthState>,
    request: RequestInfo,
    Body(proof): Body<PasskeySignIn>,
) -> Result<Json<Data<PasskeyCode>>, ApiError> {
    count(&state, PER_SOURCE, subject(request.address)).await?;
    let credential = proof.credential.read().ok_or(refusals::WRONG_PASSKEY)?;
    let proof =
        Proof { state: &state, request: &request, token_hash: proof.token.hash(), credential: &credential };
    let code = OneTimeToken::generate()?;
    let verified = state.app.db.transaction(async |tx| proof.verify(tx, &code).await);
    let expires_at = match verified.await? {
        Outcome::Right { expires_at } => expires_at,
        Outcome::Wrong => return Err(refusals::WRONG_PASSKEY.into()),
        Outcome::Copied(user) => {
            mails::send_copied(&state, &user).await;
            return Err(refusals::WRONG_PASSKEY.into());
        }
    };
    let data = PasskeyCode { passkey_code: code.reveal().to_owned(), expires_at };
    Ok(Json(Data { data }))
}

/// What became of a proof. All are committed.
enum Outcome {
    /// The code is stored.
    Right {
        expires_at: DateTime<Utc>,
    },
    Wrong,
    /// The count went back.
    Copied(Box<User>),
}

/// A signed challenge.
struct Proof<'a> {
    state: &'a OauthState,
    request: &'a RequestInfo,
    token_hash: Vec<u8>,
    credential: &'a PublicKeyCredential,
}

impl Proof<'_> {
    /// Uses up the ceremony, and stores the code for the user of the passkey. An unknown credential costs the same statements, up to the event.
    async fn verify(&self, tx: &mut Tx, code: &OneTimeToken) -> Result<Outcome, ApiError> {
        let Self { state, credential, .. } = self;
        let user = store::users::lock_by_passkey(tx, &credential.raw_id).await?;
        let ceremony = store::passkey_ceremonies::consume_sign_in(tx, &self.token_hash).await?;
        let Some(ceremony) = ceremony else { return Ok(Outcome::Wrong) };
        // No user has the nil id.
        let owner = user.as_ref().map_or_else(|| UserId(uuid::Uuid::nil()), |user| user.id);
        let stored = store::passkeys::find(tx, owner, &credential.raw_id).await?;
        let kept: Option<AuthenticationState> =
            Kind::SignIn.open(state, &self.token_hash, &ceremony.sealed).await?;
        let Some(kept) = kept else { return Ok(Outcome::Wrong) };
        let verified =
            RelyingParty::of(state)?.finish_sign_in(&kept, credential, user.as_ref(), stored.as_ref())?;
        match (verified, user, stored) {
            (Ok(result), Some(user), Some(stored)) if user.is_active() => {
                let Used { sign_count, backed_up } = result;
                store::passkeys::record_use(tx, user.id, stored.id, sign_count, backed_up).await?;
                let code_hash = code.hash();
                let arrive =
                    store::passkey_ceremonies::arrive(tx, ceremony.id, user.id, stored.id, &code_hash);
                Ok(Outcome::Right { expires_at: arrive.await? })
            }
            (Err(Refused::CountWentBack), Some(user), Some(stored)) => {
                tracing::warn!(passkey = %stored.id, "count of a passkey went back");
                self.record(tx, Action::PasskeyCopied, Some(user.id)).await?;
                Ok(Outcome::Copied(Box::new(user)))
            }
            (verified, user, _) => {
                if let Err(refused) = verified {
                    tracing::info!(error = %refused, "passkey refused");
                }
                self.record(tx, Action::SessionCreated, user.map(|user| user.id)).await?;
                Ok(Outcome::Wrong)
            }
        }
    }

    /// Records the refusal in the audit log.
    async fn record(&self, tx: &mut Tx, action: Action, account: Option<UserId>) -> Result<(), ApiError> {
        let event = Event::refused(action, account, self.request);
        Ok(store::audit_events::insert(tx, &event).await?)
    }
}
