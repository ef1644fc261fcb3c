//! `POST /v1/auth/forgot-password`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    domain::{actor::RequestInfo, audit::Action, input::Email},
    http::extract::Body,
    store::verification_tokens::Purpose,
};
use utoipa::ToSchema;

use crate::{AuthState, links};

/// The address of the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    email: Email,
}

/// Mail a link to a new password.
///
/// The answer is the same whether or not there is such an account.
#[utoipa::path(
    post, path = "/v1/auth/forgot-password", tag = "auth", operation_id = "forgot_password",
    request_body = Forgotten,
    responses((status = 202, description = "If there is such an account, a mail is on its way.")),
)]
pub async fn forgot_password(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(forgotten): Body<Forgotten>,
) -> Result<StatusCode, ApiError> {
    let (purpose, action) = (Purpose::ResetPassword, Action::PasswordResetRequested);
    links::mail_to_account(&state, &request, purpose, action, &forgotten.email).await
}
