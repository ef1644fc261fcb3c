//! `POST /v1/auth/me/exports`

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::{
    ApiError,
    accounts::export_file,
    auth::{Actor, Caller, Fresh, caller::UNAUTHENTICATED},
    aws::s3::{Bucket, Download, Validity},
    db::Db,
    domain::{audit::Action, page::Data},
    store,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AuthState, refusals, throttle};

/// The lifetime of the link.
const LINK_LIFETIME: Duration = Duration::from_mins(15);
/// The lifetime of the file. Longer than that of the link: a download that has begun must end.
const FILE_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// The longest time for writing the file. The function has 28 s for the request.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A file with all data stored about the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExportFile)]
pub struct ExportFile {
    /// The address of the file. It contains a signature: keep it secret.
    #[schema(max_length = 8192)]
    url: String,
    /// The link is valid before this time.
    expires_at: DateTime<Utc>,
}

/// Write all data stored about me into one file (GDPR, articles 15 and 20).
///
/// A JSON document as `/v1/auth/me/export` returns it, with all rows of each table and all events of the audit log. The link is valid for 15
/// minutes. The file is deleted after an hour.
#[utoipa::path(
    post, path = "/v1/auth/me/exports", tag = "auth", operation_id = "create_my_export", security(("bearer" = [])),
    responses(
        (status = 201, description = "A link to the file.", body = Data<ExportFile>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 409, description = "`export-too-large`"),
    ),
)]
pub async fn create(
    State(state): State<AuthState>,
    db: Db,
    Fresh(caller): Fresh<Caller>,
) -> Result<(StatusCode, Json<Data<ExportFile>>), ApiError> {
    throttle::request_of_user(&state, "export", caller.user).await?;
    // Random: the key is no secret, but nobody should guess it.
    let key = format!("exports/{}/{}.json", caller.user, Uuid::new_v4());
    let begun = caller.transaction(async |tx| {
        let user = store::users::find(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
        caller.audit(tx, Action::UserExported, user.id).await?;
        let due = tx.now() + FILE_LIFETIME;
        // Before the file exists, so that it is deleted whatever happens.
        store::object_deletions::insert(tx, std::slice::from_ref(&key), due).await?;
        Ok((user, tx.now()))
    });
    let (user, now) = begun.await?;
    let bucket = Bucket::new(&state.app.config.storage.artifacts, "");
    if !export_file::write(&db, &bucket, &key, &user, now, TIMEOUT).await? {
        return Err(refusals::EXPORT_TOO_LARGE.into());
    }

    let valid = Validity { from: state.app.clock.now(), lifetime: LINK_LIFETIME };
    let download = Download { file_name: "arches-export.json", media_type: "application/octet-stream" };
    let url = bucket.sign_get(&key, &download, &valid).await?;
    Ok((StatusCode::CREATED, Json(Data { data: ExportFile { url, expires_at: valid.ends() } })))
}
