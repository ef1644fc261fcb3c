//! `POST /v1/organizations/{organizationId}/conversations`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Member,
    db::Tx,
    domain::{audit::Action, page::Data, permission::Chat},
    http::idempotency::{Create, Created, IdempotencyKey},
    store,
};
use utoipa::ToSchema;

use super::{
    ConversationView,
    input::{ModelName, Title},
};
use crate::{ChatState, organization::OrganizationPath, refusals};

/// A new conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "Retention of backups" }))]
pub struct NewConversation {
    title: Option<Title>,
    /// The model that answers. Without it, the first one that the operator allows.
    model: Option<ModelName>,
}

/// Create a conversation.
///
/// It belongs to you alone, or to the API key that creates it. No other member can read it, whatever their role.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/conversations", tag = "chat",
    operation_id = "create_conversation", request_body = NewConversation,
    params(OrganizationPath, IdempotencyKey),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 201, description = "The new conversation.", body = Data<ConversationView>),
        (status = 422, description = "`no-such-model`"),
    ),
)]
pub async fn create(
    State(state): State<ChatState>,
    member: Member<Chat>,
    Create { new, idempotent }: Create<NewConversation>,
) -> Result<Response, ApiError> {
    let models = &state.app.config.models;
    let model = match &new.model {
        Some(model) => model.known(models)?,
        None => models.chat_models.first().map(String::as_str).ok_or(refusals::NO_SUCH_MODEL)?,
    };
    let work = async |tx: &mut Tx| {
        member.lock(tx).await?;
        let row = store::conversations::NewConversation {
            owner: member.principal,
            title: new.title.as_ref().map(AsRef::as_ref),
            model,
        };
        let conversation = store::conversations::insert(tx, member.organization.id, &row).await?;
        member.audit(tx, Action::ConversationCreated, conversation.id).await?;
        let version = conversation.version;
        Ok((Created::new(ConversationView::from(conversation))?.version(version), ()))
    };
    let (response, _) = idempotent.run(&member, &state.app.sealer, work).await?;
    Ok(response)
}
