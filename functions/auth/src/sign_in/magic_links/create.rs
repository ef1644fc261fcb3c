//! `POST /v1/auth/magic-links`

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

/// The address of the account to sign in to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MagicLinkRequest {
    email: Email,
}

/// Mail a link and a code that sign in.
///
/// The answer is the same whether or not there is such an account.
#[utoipa::path(
    post, path = "/v1/auth/magic-links", tag = "auth", operation_id = "create_magic_link",
    request_body = MagicLinkRequest,
    responses((status = 202, description = "If there is such an account, a mail is on its way.")),
)]
pub async fn create(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(new): Body<MagicLinkRequest>,
) -> Result<StatusCode, ApiError> {
    let (purpose, action) = (Purpose::MagicLink, Action::MagicLinkRequested);
    links::mail_to_account(&state, &request, purpose, action, &new.email).await
}
