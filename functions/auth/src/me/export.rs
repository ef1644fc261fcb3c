//! `GET /v1/auth/me/export`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    accounts::export::Export,
    auth::{Actor, Caller, Fresh, caller::UNAUTHENTICATED},
    domain::page::Data,
    store,
};

use crate::{AuthState, throttle};

/// Export the data stored about me (GDPR, articles 15 and 20).
///
/// One document of at most 2 MB. It leaves out the audit events, which `/v1/auth/me/audit-events` returns in pages. A table with too
/// many rows has its newest ones, and `complete` is false.
#[utoipa::path(
    get, path = "/v1/auth/me/export", tag = "auth", operation_id = "export_me", security(("bearer" = [])),
    responses(
        (status = 200, description = "The rows about me, without secrets.", body = Data<Export>),
        (status = 401, description = "`fresh-sign-in-needed`"),
    ),
)]
pub async fn export(
    State(state): State<AuthState>,
    Fresh(caller): Fresh<Caller>,
) -> Result<Json<Data<Export>>, ApiError> {
    // An export is costly and never urgent.
    throttle::request(&state, "export", &caller.user.to_string(), &caller.request).await?;
    let export = caller.transaction(async |tx| {
        let user = store::users::find(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
        Export::create(tx, &user, &caller).await
    });
    Ok(Json(Data { data: export.await? }))
}
