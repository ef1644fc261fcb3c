//! `POST /v1/auth/challenges/verify`

use axum::{extract::State, http::HeaderMap};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Guest,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
        page::Data,
        parse::or_default,
    },
    http::extract::Body,
    store::{self, users::User},
};
use utoipa::ToSchema;

use crate::{
    AuthState, refusals,
    second_factors::{self, Checked, Given, Used, mails},
    sign_in::{
        device::Device,
        origin::Origin,
        session_tokens::{self, Opened, Opening, SignedIn, Transport},
    },
    throttle::Guesser,
};

/// The token of the challenge, and a second factor: a code of the authenticator app, a recovery code, or the code of a passkey.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChallengeAnswer {
    token: OneTimeToken,
    /// Six digits.
    #[schema(min_length = 1, max_length = 16, example = "123456")]
    code: Option<String>,
    /// It works once. Hyphens and case do not matter.
    #[schema(min_length = 1, max_length = 64, example = "GEZD-GNBV-GY3T-QOJQ")]
    recovery_code: Option<String>,
    /// From `/v1/auth/passkeys/sign-in`. It works once.
    passkey_code: Option<OneTimeToken>,
    /// The place of the refresh token.
    #[serde(default, deserialize_with = "or_default")]
    transport: Transport,
    /// The token from an earlier sign-in, unless it is in the cookie. One that is unknown or expired is ignored.
    #[schema(max_length = 78)]
    device_token: Option<String>,
}

/// Sign in with the second factor.
///
/// The second step of a sign-in that was answered with a challenge. After five wrong codes, or five minutes, sign in again. A code of the
/// app works once, also one that was used for another sign-in.
#[utoipa::path(
    post, path = "/v1/auth/challenges/verify", tag = "auth", operation_id = "verify_challenge",
    request_body = ChallengeAnswer,
    responses(
        (status = 201, description = "Signed in.", body = Data<SignedIn>),
        (status = 401, description = "`wrong-code` or `challenge-ended`"),
        (status = 403, description = "`foreign-origin`"),
        (status = 422, description = "`code-or-recovery-code`"),
    ),
)]
pub async fn verify(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Body(answer): Body<ChallengeAnswer>,
) -> Result<Opened, ApiError> {
    let ChallengeAnswer { token, code, recovery_code, passkey_code, transport, device_token } = answer;
    transport.require_listed_origin(&headers, &state.app.config.web)?;
    let given = Given::one_of(code, recovery_code, passkey_code)?;
    let origin = Origin::read(&headers, device_token);
    sign_in(&state, &request, &token, &given, transport, &origin).await
}

/// The second step of a sign-in.
struct Step<'a> {
    user: UserId,
    token_hash: &'a [u8],
    checked: Checked,
}

/// Signs in the user of the challenge with the second factor `given`.
pub async fn sign_in(
    state: &AuthState,
    request: &RequestInfo,
    token: &OneTimeToken,
    given: &Given,
    transport: Transport,
    origin: &Origin,
) -> Result<Opened, ApiError> {
    state.signer.check().await?;
    let (db, token_hash) = (&state.app.db, token.hash());
    let find = db.read(async |tx| Ok(store::sign_in_challenges::find(tx, &token_hash).await?));
    let challenged = find.await?.ok_or(refusals::CHALLENGE_ENDED)?;
    let user = challenged.user_id;
    let since = challenged.second_factor_at.ok_or(refusals::CHALLENGE_ENDED)?;
    // Who knew only the password may have collected devices before.
    let device = Device::read(state, &challenged.email, origin).await?;
    let device = device.filter(|device| device.has_signed_in_after(since));
    let guesser = device.as_ref().map_or(Guesser::Source(request), Guesser::Device);
    let attempt = second_factors::attempt_at_sign_in(state, (user, since), given, guesser).await?;
    let signed_in = async {
        let guest = Guest { db, name: String::new() };
        let checked = second_factors::check(state, &guest, user, given).await?;
        let step = Step { user, token_hash: &token_hash, checked };
        db.transaction(async |tx| step.complete(state, tx, request, transport, origin).await).await
    };
    match signed_in.await {
        Ok(Some(success)) => {
            attempt.succeed(state).await;
            let opened = success.opening.committed(state).await;
            if let Some(left) = success.used.codes_left {
                mails::send_code_used(state, &success.user.mailbox(), left).await;
            }
            Ok(opened)
        }
        Ok(None) => Err(refusals::WRONG_CODE_AT_SIGN_IN.into()),
        Err(error) => {
            attempt.take_back(state).await;
            Err(error)
        }
    }
}

/// A sign-in with two factors, before its commit.
struct Success {
    user: User,
    used: Used,
    opening: Opening,
}

impl Step<'_> {
    /// Uses up the second factor and the challenge, and opens a session. `None` if the second factor is wrong: the guess is counted, and
    /// recorded in the audit log.
    async fn complete(
        &self,
        state: &AuthState,
        tx: &mut Tx,
        request: &RequestInfo,
        transport: Transport,
        origin: &Origin,
    ) -> Result<Option<Success>, ApiError> {
        let user = store::users::lock(tx, self.user).await?.filter(User::is_active);
        let user = user.ok_or(refusals::CHALLENGE_ENDED)?;
        let challenge = store::sign_in_challenges::guess(tx, user.id, self.token_hash).await?;
        let challenge = challenge.ok_or(refusals::CHALLENGE_ENDED)?;
        let Some(spent) = self.checked.consume(tx, user.id).await? else {
            let event = Event::refused(Action::SessionCreated, Some(user.id), request);
            store::audit_events::insert(tx, &event).await?;
            return Ok(None);
        };
        store::sign_in_challenges::delete(tx, challenge.id).await?;
        second_factors::audit_used(tx, user.id, spent, request).await?;
        let factors = [challenge.first_factor, spent.factor];
        let opening =
            session_tokens::sign_in(state, tx, user.clone(), &factors, transport, request, origin).await?;
        Ok(Some(Success { user, used: spent, opening }))
    }
}
