//! `PATCH /v1/auth/passkeys/{id}`

use axum::Json;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::{
        audit::Action, changes::ChangedFields, input::Name, page::Data, passkey::PasskeyView, patch::Patch,
    },
    http::{
        etag::{ETag, IfMatch, STALE},
        extract::{Body, Path},
    },
    store,
};
use utoipa::ToSchema;

use super::PasskeyPath;
use crate::refusals;

/// Changes of a passkey. An absent member does not change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Phone" }))]
pub struct PasskeyChanges {
    #[serde(default)]
    #[schema(value_type = Option<Name>, nullable = false)]
    name: Patch<Name>,
}

/// Change the name of one of my passkeys.
#[utoipa::path(
    patch, path = "/v1/auth/passkeys/{id}", tag = "auth", operation_id = "update_passkey",
    params(PasskeyPath, IfMatch),
    request_body(content((PasskeyChanges = "application/json"), (PasskeyChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The changed passkey.", body = Data<PasskeyView>),
        (status = 404, description = "`passkey-not-found`"),
    ),
)]
pub async fn update(
    caller: Caller,
    Path(path): Path<PasskeyPath>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<PasskeyChanges>,
) -> Result<(ETag, Json<Data<PasskeyView>>), ApiError> {
    let name = changes.name.kept("/name")?.map(AsRef::as_ref);
    let updated = caller.transaction(async |tx| {
        let (user, id) = (caller.user, path.id);
        let passkey = store::passkeys::update(tx, user, id, name, versions.as_deref()).await?;
        let Some(passkey) = passkey else {
            let exists = store::passkeys::exists(tx, user, id).await?;
            return Err(if exists { STALE } else { refusals::NO_SUCH_PASSKEY }.into());
        };
        let fields = ChangedFields::default().name("name", name.is_some());
        caller.audit_changes(tx, Action::PasskeyUpdated, id, &fields).await?;
        Ok(passkey)
    });
    let passkey = updated.await?;
    Ok((ETag(passkey.version), Json(Data { data: passkey.into() })))
}
