//! `GET /v1/users`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError, AppState,
    auth::Administrator,
    domain::{
        input::Email,
        page::{Page, PageQuery, Place},
    },
    http::extract::List,
    store::{
        self,
        users::{Standing, User},
    },
};
use utoipa::IntoParams;

use crate::user::UserView;

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// Only who has exactly this address, in whatever case.
    #[param(inline)]
    email: Option<Email>,
    /// Only these.
    #[param(inline)]
    status: Option<Standing>,
}

/// List all users.
#[utoipa::path(
    get, path = "/v1/users", tag = "users", operation_id = "list_users", params(PageQuery, UserFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of the users.", body = Page<UserView>)),
)]
pub async fn list(
    State(state): State<AppState>,
    _: Administrator,
    List(page, filter): List<UserFilter>,
) -> Result<Json<Page<UserView>>, ApiError> {
    let rows = state
        .db
        .transaction(async |tx| {
            anyhow::Ok(
                store::users::list(tx, &page, filter.email.as_ref().map(AsRef::as_ref), filter.status)
                    .await?,
            )
        })
        .await?;
    let place = |row: &User| Place { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, place, UserView::from)))
}
