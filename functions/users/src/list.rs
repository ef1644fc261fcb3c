//! `GET /v1/users`

use axum::Json;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Administrator},
    domain::{
        input::Email,
        page::{Page, PageQuery, Position},
    },
    http::extract::List,
    store::{
        self,
        users::{User, UserStatus},
    },
};
use utoipa::IntoParams;

use crate::user::UserView;

/// A filter of users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// Only the user with this address, ignoring case.
    #[param(inline)]
    email: Option<Email>,
    /// Only users with this status.
    #[param(inline)]
    status: Option<UserStatus>,
}

/// List all users.
#[utoipa::path(
    get, path = "/v1/users", tag = "users", operation_id = "list_users", params(PageQuery, UserFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of the users.", body = Page<UserView>)),
)]
pub async fn list(
    administrator: Administrator,
    List(page, filter): List<UserFilter>,
) -> Result<Json<Page<UserView>>, ApiError> {
    let email = filter.email.as_ref().map(AsRef::as_ref);
    let rows =
        administrator.read(async |tx| Ok(store::users::list(tx, &page, email, filter.status).await?)).await?;
    let position = |row: &User| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, UserView::from)))
}
