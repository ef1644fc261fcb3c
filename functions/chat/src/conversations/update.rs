//! `PATCH /v1/organizations/{organizationId}/conversations/{conversationId}`

use axum::extract::State;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{audit::Action, changes::ChangedFields, page::Data, patch::Patch, permission::Chat},
    http::{
        etag::{IfMatch, STALE},
        extract::{Body, Path},
    },
    store,
};
use utoipa::ToSchema;

use super::{
    ConversationPath, ConversationResponse, ConversationView,
    input::{ModelName, Title},
    lock, respond,
};
use crate::{ChatState, organization::OrganizationPath};

/// Changes of a conversation. An absent member does not change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "Backups" }))]
pub struct ConversationChanges {
    #[serde(default)]
    #[schema(value_type = Option<Title>)]
    title: Patch<Title>,
    /// The model of the next answers.
    #[serde(default)]
    #[schema(value_type = Option<ModelName>, nullable = false)]
    model: Patch<ModelName>,
}

/// Change the title or the model of one of your conversations.
#[utoipa::path(
    patch, path = "/v1/organizations/{organizationId}/conversations/{conversationId}", tag = "chat",
    operation_id = "update_conversation",
    params(OrganizationPath, ConversationPath, IfMatch),
    request_body(content(
        (ConversationChanges = "application/json"), (ConversationChanges = "application/merge-patch+json")
    )),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The changed conversation.", body = Data<ConversationView>),
        (status = 404, description = "`conversation-not-found`"),
        (status = 422, description = "`no-such-model`"),
    ),
)]
pub async fn update(
    State(state): State<ChatState>,
    member: Member<Chat>,
    Path(path): Path<ConversationPath>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<ConversationChanges>,
) -> Result<ConversationResponse, ApiError> {
    let (organization, id) = (member.organization.id, path.conversation_id);
    let (retitle, title) = changes.title.change();
    let title = (retitle, title.map(AsRef::as_ref));
    let model = changes.model.kept("/model")?;
    let model = model.map(|model| model.known(&state.app.config.models)).transpose()?;
    let updated = member.transaction(async |tx| {
        member.lock(tx).await?;
        lock(tx, &member, id).await?;
        let versions = versions.as_deref();
        let updated = store::conversations::update(tx, organization, id, title, model, versions).await?;
        let updated = updated.ok_or(STALE)?;
        let changes = ChangedFields::default().name("title", retitle).name("model", model.is_some());
        member.audit_changes(tx, Action::ConversationUpdated, id, &changes).await?;
        Ok(updated)
    });
    Ok(respond(updated.await?))
}
