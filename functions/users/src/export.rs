//! `GET /v1/users/{userId}/export`

use axum::Json;
use shared::{
    ApiError,
    accounts::export::Export,
    auth::{Actor, Administrator, Fresh},
    domain::page::Data,
    http::extract::Path,
    store,
};

use crate::{refusals, user::UserPath};

/// Export the data stored about a user (GDPR, article 15).
///
/// The same document as the user's own export. The user's audit events are in `/v1/audit-events`, with `actorId` and with `targetId`.
#[utoipa::path(
    get, path = "/v1/users/{userId}/export", tag = "users", operation_id = "export_user",
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The rows about the user, without secrets.", body = Data<Export>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
    ),
)]
pub async fn export(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
) -> Result<Json<Data<Export>>, ApiError> {
    let export = administrator.transaction(async |tx| {
        let user = store::users::find_any(tx, path.user_id).await?.ok_or(refusals::NO_SUCH_USER)?;
        Export::create(tx, &user, &administrator.caller).await
    });
    Ok(Json(Data { data: export.await? }))
}
