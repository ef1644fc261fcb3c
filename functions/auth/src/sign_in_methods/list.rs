//! `GET /v1/auth/accounts`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Caller, caller::UNAUTHENTICATED},
    domain::page::{Page, PageMeta},
    store,
};

use super::Account;
use crate::AuthState;

/// List the ways in which I can sign in.
#[utoipa::path(
    get, path = "/v1/auth/accounts", tag = "auth", operation_id = "list_accounts", security(("bearer" = [])),
    responses((status = 200, description = "All of them, on one page.", body = Page<Account>)),
)]
pub async fn list(State(state): State<AuthState>, caller: Caller) -> Result<Json<Page<Account>>, ApiError> {
    let data = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let user = store::users::find(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
            let has_password = store::users::password_hash(tx, caller.user).await?.is_some();
            Ok(Account::all_of(&user, has_password))
        })
        .await?;
    Ok(Json(Page { data, meta: PageMeta { next_cursor: None } }))
}
