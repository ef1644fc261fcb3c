//! `POST /v1/auth/reauthenticate`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, caller::UNAUTHENTICATED},
    domain::{audit::Action, input::Email, password::Password},
    http::extract::Body,
    store,
};
use utoipa::ToSchema;

use super::magic_links::verify::{Proof, check_code};
use crate::{AuthState, password::reauthenticate::verify_password, refusals};

/// The current password, or the code of a magic link that was mailed to the account's address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct IdentityProof {
    current_password: Option<Password>,
    /// Six digits.
    #[schema(min_length = 1, max_length = 16, example = "123456")]
    code: Option<String>,
}

/// Prove again who I am.
///
/// For ten minutes afterwards, the session may do what is otherwise refused with `fresh-sign-in-needed`.
#[utoipa::path(
    post, path = "/v1/auth/reauthenticate", tag = "auth", operation_id = "reauthenticate",
    request_body = IdentityProof, security(("bearer" = [])),
    responses(
        (status = 204, description = "The session counts as a new sign-in."),
        (status = 403, description = "`wrong-password`"),
        (status = 422, description = "`invalid-code` or `password-or-code`"),
    ),
)]
pub async fn reauthenticate(
    State(state): State<AuthState>,
    caller: Caller,
    Body(proof): Body<IdentityProof>,
) -> Result<StatusCode, ApiError> {
    let code = match (proof.current_password, proof.code) {
        (Some(password), None) => {
            verify_password(&state, &caller, &password).await?;
            None
        }
        (None, Some(code)) => Some(guess(&state, &caller, &code).await?),
        _ => return Err(refusals::PASSWORD_OR_CODE.into()),
    };
    caller
        .transaction(async |tx| {
            if let Some(proof) = &code {
                proof.consume(tx).await?.ok_or_else(|| proof.refusal())?;
            }
            if !store::sessions::set_authenticated(tx, caller.user, caller.session).await? {
                return Err(UNAUTHENTICATED.into());
            }
            caller.audit(tx, Action::SessionReauthenticated, caller.session).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Compares `code` with the codes mailed to the caller.
async fn guess(state: &AuthState, caller: &Caller, code: &str) -> Result<Proof, ApiError> {
    let profile = caller.profile().await?.ok_or(UNAUTHENTICATED)?;
    let email = Email::try_from(profile.email.clone()).map_err(anyhow::Error::msg)?;
    check_code(state, &caller.request, Some(caller.session), &email, code).await
}
