//! `POST /v1/organizations/{organizationId}/labels`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Member,
    db::Tx,
    domain::{audit::Action, input::Name, page::Data, permission::WriteArtifacts},
    http::idempotency::{Create, Created, IdempotencyKey},
    store,
};
use utoipa::ToSchema;

use super::LabelView;
use crate::{ArtifactsState, organization::OrganizationPath, refusals};

/// A new label.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLabel {
    /// No other label of the organization has it, in upper or lower case.
    name: Name,
}

/// Create a label.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/labels", tag = "artifacts",
    operation_id = "create_label", request_body = NewLabel,
    params(OrganizationPath, IdempotencyKey),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 201, description = "The new label.", body = Data<LabelView>),
        (status = 409, description = "`label-exists`"),
    ),
)]
pub async fn create(
    State(state): State<ArtifactsState>,
    member: Member<WriteArtifacts>,
    Create { new, idempotent }: Create<NewLabel>,
) -> Result<Response, ApiError> {
    let organization = member.organization.id;
    let work = async |tx: &mut Tx| {
        member.lock(tx).await?;
        let label = store::labels::insert(tx, organization, new.name.as_ref()).await?;
        let label = label.ok_or(refusals::LABEL_EXISTS)?;
        member.audit(tx, Action::LabelCreated, label.id).await?;
        let version = label.version;
        Ok((Created::new(LabelView::from(label))?.version(version), ()))
    };
    let (response, _) = idempotent.run(&member, &state.app.sealer, work).await?;
    Ok(response)
}
