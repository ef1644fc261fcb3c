//! `GET /v1/users/{userId}`

use axum::extract::State;
use shared::{ApiError, AppState, auth::Administrator, extract::Path, ids::UserId, page::Data, store};

use crate::{
    refusals,
    user::{Shown, UserView, shown},
};

/// Show a user, living or not.
#[utoipa::path(
    get, path = "/v1/users/{userId}", tag = "users", operation_id = "show_user",
    params(("userId" = UserId, Path, description = "The user's id.")), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    _: Administrator,
    Path(id): Path<UserId>,
) -> Result<Shown, ApiError> {
    let user = state.db.transaction(async |tx| anyhow::Ok(store::users::find_any(tx, id).await?)).await?;
    Ok(shown(user.ok_or(refusals::NO_SUCH_USER)?))
}
