//! `POST /v1/organizations/{organizationId}/artifacts/{artifactId}/retry`

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        audit::Action,
        ingestion::{FailureCode, IndexKind, IndexMessage, Stage, Upload, file_event},
        page::Data,
        permission::WriteArtifacts,
    },
    http::extract::Path,
    store,
};

use super::{
    ArtifactPath, find, require_only_content,
    view::{ArtifactResponse, ArtifactView, respond},
};
use crate::{ArtifactsState, organization::OrganizationPath, refusals};

/// The message is delivered after the commit: one about an artifact that has failed would be ignored.
const DELAY: Duration = Duration::from_secs(2);

/// Process a failed artifact again.
///
/// Only if the failure is `retryable`. It goes on where it stopped.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/artifacts/{artifactId}/retry", tag = "artifacts",
    operation_id = "retry_artifact",
    params(OrganizationPath, ArtifactPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 202, description = "The artifact, which is processed.", body = Data<ArtifactView>),
        (status = 403, description = "`address-not-proved`"),
        (status = 404, description = "`artifact-not-found`"),
        (status = 409, description = "`nothing-to-retry` or `same-content-exists`"),
    ),
)]
pub async fn retry(
    State(state): State<ArtifactsState>,
    member: Member<WriteArtifacts>,
    Path(path): Path<ArtifactPath>,
) -> Result<(StatusCode, ArtifactResponse), ApiError> {
    let (organization, id) = (member.organization.id, path.artifact_id);
    let retried = member.transaction(async |tx| {
        refusals::require_proved_address(&member.lock(tx).await?)?;
        let artifact = find(tx, &member, id).await?;
        if !artifact.failure.is_some_and(FailureCode::is_retryable) {
            return Err(refusals::NOTHING_TO_RETRY.into());
        }
        require_only_content(tx, &artifact).await?;
        // Its text was extracted, if its chunks were counted.
        let step = if artifact.chunks_total > 0 { Stage::Indexing } else { Stage::Extracting };
        store::artifacts::retry(tx, organization, id, step).await?;
        member.audit(tx, Action::ArtifactRetried, id).await?;
        let retried = find(tx, &member, id).await?;
        // Last: without the queue nothing is changed.
        send(&state, step, &artifact.upload()).await?;
        Ok(retried)
    });
    Ok((StatusCode::ACCEPTED, respond(retried.await?)))
}

/// Sends the message that continues the processing at `step`.
async fn send(state: &ArtifactsState, step: Stage, upload: &Upload) -> Result<(), ApiError> {
    match step {
        Stage::Extracting => {
            let bucket = &state.app.config.storage.artifacts;
            state.extract.send_after(&file_event(bucket, upload), DELAY).await?;
        }
        Stage::Indexing => {
            let message = IndexMessage { upload: *upload, kind: IndexKind::Continue };
            state.index.send_after(&serde_json::to_string(&message)?, DELAY).await?;
        }
    }
    Ok(())
}
