//! `GET /v1/auth/accounts`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Caller, caller::UNAUTHENTICATED},
    domain::page::{Page, PageMeta},
    store,
};

use super::{SignInMethod, load};

/// List the ways in which I can sign in.
#[utoipa::path(
    get, path = "/v1/auth/accounts", tag = "auth", operation_id = "list_accounts", security(("bearer" = [])),
    responses((status = 200, description = "All of them, on one page.", body = Page<SignInMethod>)),
)]
pub async fn list(caller: Caller) -> Result<Json<Page<SignInMethod>>, ApiError> {
    let methods = caller.transaction(async |tx| {
        let user = store::users::find(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
        load(tx, &user).await
    });
    Ok(Json(Page { data: methods.await?, meta: PageMeta { next_cursor: None } }))
}
