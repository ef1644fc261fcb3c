//! `POST /v1/auth/reauthenticate`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, caller::UNAUTHENTICATED},
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        audit::{Action, Event},
        input::Email,
        mail_delivery::Mailbox,
        password::Password,
    },
    http::extract::Body,
    store,
};
use utoipa::ToSchema;

use super::magic_links::verify::{Proof, check_code};
use crate::{
    AuthState,
    password::reauthenticate::compare_password,
    refusals,
    second_factors::{self, Checked, Given, Used, mails},
    throttle::Attempt,
};

/// One proof: the code of a passkey. Or if the account has an authenticator app: its code, or a recovery code. Otherwise: the current password, or
/// the code of a magic link that was mailed to the account's address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct IdentityProof {
    current_password: Option<Password>,
    /// Six digits.
    #[schema(min_length = 1, max_length = 16, example = "123456")]
    code: Option<String>,
    /// It works once.
    #[schema(min_length = 1, max_length = 64, example = "GEZD-GNBV-GY3T-QOJQ")]
    recovery_code: Option<String>,
    /// From `/v1/auth/passkeys/sign-in`. It works once.
    passkey_code: Option<OneTimeToken>,
}

/// A proof that was compared, and is not used up yet.
enum Compared {
    Password,
    Mail(Proof),
    SecondFactor(Checked, Attempt),
}

/// A second factor that is used up, and where a notice of it goes.
type Spent = (Used, Mailbox);

/// Prove again who I am.
///
/// For ten minutes afterwards, the session may do what is otherwise refused with `fresh-sign-in-needed`.
#[utoipa::path(
    post, path = "/v1/auth/reauthenticate", tag = "auth", operation_id = "reauthenticate",
    request_body = IdentityProof, security(("bearer" = [])),
    responses(
        (status = 204, description = "The session counts as a new sign-in."),
        (status = 403, description = "`wrong-password`, `wrong-code` or `second-factor-needed`"),
        (status = 422, description = "`invalid-code` or `password-or-code`"),
    ),
)]
pub async fn reauthenticate(
    State(state): State<AuthState>,
    caller: Caller,
    Body(proof): Body<IdentityProof>,
) -> Result<StatusCode, ApiError> {
    let IdentityProof { current_password, code, recovery_code, passkey_code } = proof;
    let compared = match (current_password, code, recovery_code, passkey_code) {
        (Some(password), None, None, None) => by_password(&state, &caller, &password).await?,
        (None, Some(code), None, None) => by_code(&state, &caller, code).await?,
        (None, None, Some(code), None) => {
            by_second_factor(&state, &caller, Given::RecoveryCode(code)).await?
        }
        (None, None, None, Some(code)) => by_second_factor(&state, &caller, Given::PasskeyCode(code)).await?,
        _ => return Err(refusals::PASSWORD_OR_CODE.into()),
    };
    let spent = caller.transaction(async |tx| prove(tx, &caller, &compared).await).await?;
    if let Compared::SecondFactor(_, attempt) = &compared {
        let (used, mailbox) = spent.ok_or(refusals::WRONG_CODE)?;
        attempt.succeed(&state).await;
        if let Some(left) = used.codes_left {
            mails::send_code_used(&state, &mailbox, left).await;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn by_password(state: &AuthState, caller: &Caller, password: &Password) -> Result<Compared, ApiError> {
    let verified = compare_password(state, caller, password).await?;
    if verified.has_second_factor {
        Err(refusals::SECOND_FACTOR_NEEDED.into())
    } else {
        Ok(Compared::Password)
    }
}

/// Compares `code` with those of the app. If the account has no second factor: with those mailed to the caller.
async fn by_code(state: &AuthState, caller: &Caller, code: String) -> Result<Compared, ApiError> {
    let user = caller.read(async |tx| Ok(store::users::find(tx, caller.user).await?)).await?;
    let user = user.ok_or(UNAUTHENTICATED)?;
    if user.second_factor_at.is_some() {
        return by_second_factor(state, caller, Given::Code(code)).await;
    }
    let email = Email::try_from(user.email).map_err(anyhow::Error::msg)?;
    let proof = check_code(state, &caller.request, Some(caller.session), &email, &code).await?;
    Ok(Compared::Mail(proof))
}

async fn by_second_factor(state: &AuthState, caller: &Caller, given: Given) -> Result<Compared, ApiError> {
    let attempt = second_factors::attempt(state, caller.user, caller.session).await?;
    match second_factors::check(state, caller, caller.user, &given).await {
        Ok(checked) => Ok(Compared::SecondFactor(checked, attempt)),
        Err(error) => {
            attempt.take_back(state).await;
            Err(error)
        }
    }
}

/// Uses up the proof, and makes the session recent. A wrong second factor is recorded in the audit log only.
async fn prove(tx: &mut Tx, caller: &Caller, compared: &Compared) -> Result<Option<Spent>, ApiError> {
    let mut spent = None;
    match compared {
        Compared::Password => {}
        Compared::Mail(proof) => {
            proof.consume(tx).await?.ok_or_else(|| proof.refusal())?;
        }
        Compared::SecondFactor(checked, _) => {
            let user = store::users::lock(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
            let Some(second) = checked.consume(tx, user.id).await? else {
                // The session may be stolen, so its user is not the actor.
                let event = Event::refused(Action::SessionReauthenticated, Some(user.id), &caller.request);
                store::audit_events::insert(tx, &event.through(caller.session)).await?;
                return Ok(None);
            };
            second_factors::audit_used(tx, user.id, second, &caller.request).await?;
            store::sessions::add_factor(tx, user.id, caller.session, second.factor).await?;
            spent = Some((second, user.mailbox()));
        }
    }
    if !store::sessions::set_authenticated(tx, caller.user, caller.session).await? {
        return Err(UNAUTHENTICATED.into());
    }
    caller.audit(tx, Action::SessionReauthenticated, caller.session).await?;
    Ok(spent)
}
