//! `GET /v1/auth/accounts`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::page::{Page, PageMeta},
};

use super::{SignInMethod, load};
use crate::AuthState;

/// List my ways to sign in.
#[utoipa::path(
    get, path = "/v1/auth/accounts", tag = "auth", operation_id = "list_accounts", security(("bearer" = [])),
    responses((status = 200, description = "All of them, on one page.", body = Page<SignInMethod>)),
)]
pub async fn list(
    State(state): State<AuthState>,
    caller: Caller,
) -> Result<Json<Page<SignInMethod>>, ApiError> {
    let methods = caller.transaction(async |tx| load(tx, &state, caller.user).await).await?;
    Ok(Json(Page { data: methods, meta: PageMeta { next_cursor: None } }))
}
