//! `GET /v1/auth/recovery-codes`

use axum::Json;
use serde::Serialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, caller::UNAUTHENTICATED},
    domain::page::Data,
    store,
};
use utoipa::ToSchema;

use crate::refusals;

/// The recovery codes of the caller. The codes themselves are not stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecoveryCodesLeft {
    /// The number of codes that were not used yet.
    #[schema(example = 10, minimum = 0, maximum = 10)]
    left: i64,
}

/// Count the recovery codes that are left.
#[utoipa::path(
    get, path = "/v1/auth/recovery-codes", tag = "auth", operation_id = "show_recovery_codes",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "How many are left.", body = Data<RecoveryCodesLeft>),
        (status = 404, description = "`second-factor-not-found`"),
    ),
)]
pub async fn show(caller: Caller) -> Result<Json<Data<RecoveryCodesLeft>>, ApiError> {
    let count = caller.transaction(async |tx| {
        let user = store::users::find(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
        user.second_factor_at.ok_or(refusals::NO_SECOND_FACTOR)?;
        Ok(store::recovery_codes::count(tx, caller.user).await?)
    });
    Ok(Json(Data { data: RecoveryCodesLeft { left: count.await? } }))
}
