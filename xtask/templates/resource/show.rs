//! `GET /v1/organizations/{organizationId}/%kebabs%/{%camel%Id}`

use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::Read%Pascals%},
    http::extract::Path,
};

use super::{%Pascal%Path, %Pascal%Response, %Pascal%View, find, respond};
use crate::organization::OrganizationPath;

/// Show %a words%.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/%kebabs%/{%camel%Id}", tag = "organizations",
    operation_id = "show_%snake%", params(OrganizationPath, %Pascal%Path),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The %words%.", body = Data<%Pascal%View>),
        (status = 404, description = "`%kebab%-not-found`"),
    ),
)]
pub async fn show(
    member: Member<Read%Pascals%>,
    Path(path): Path<%Pascal%Path>,
) -> Result<%Pascal%Response, ApiError> {
    let found = member.read(async |tx| find(tx, &member, path.%snake%_id).await);
    Ok(respond(found.await?))
}
