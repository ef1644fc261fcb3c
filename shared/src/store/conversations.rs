//! The `conversations` table. Every statement for a caller finds only what belongs to this caller.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        actor::Principal,
        ids::{ApiKeyId, ConversationId, OrganizationId, UserId},
        page::PageQuery,
    },
};

/// A row of `conversations` that is not deleted.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub id: ConversationId,
    pub title: Option<String>,
    pub model: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The time of creation, until there is a message.
    pub last_message_at: DateTime<Utc>,
    pub version: i64,
}

pub struct NewConversation<'a> {
    pub owner: Principal,
    pub title: Option<&'a str>,
    pub model: &'a str,
}

/// Builds a query of whole rows, from the SQL before and after the columns.
macro_rules! conversations {
    ($before:tt, $after:tt, $($argument:tt)*) => {
        sqlx::query_as!(
            Conversation,
            $before + r#" id AS "id: ConversationId", title, model, created_at, updated_at, last_message_at, version "# + $after,
            $($argument)*
        )
    };
}

/// Inserts a conversation without messages.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    new: &NewConversation<'_>,
) -> sqlx::Result<Conversation> {
    let now = tx.now();
    conversations!(
        r#"
        INSERT INTO conversations
            (id, organization_id, created_by, api_key_id, title, model, created_at, updated_at, last_message_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7)
        RETURNING"#,
        "",
        ConversationId::new() as ConversationId,
        organization as OrganizationId,
        new.owner.user_id() as Option<UserId>,
        new.owner.api_key_id() as Option<ApiKeyId>,
        new.title,
        new.model,
        now,
    )
    .fetch_one(tx)
    .await
}

/// Returns a page of the conversations of `owner` in the organization.
pub async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    owner: &Principal,
    page: &PageQuery,
) -> sqlx::Result<Vec<Conversation>> {
    page_of!(
        tx,
        page,
        Conversation,
        r#"
        SELECT id AS "id: ConversationId", title, model, created_at, updated_at, last_message_at, version
        FROM conversations
        WHERE organization_id = $3 AND (created_by = $4 OR api_key_id = $5) AND deleted_at IS NULL
        "#,
        "id",
        organization as OrganizationId,
        owner.user_id() as Option<UserId>,
        owner.api_key_id() as Option<ApiKeyId>
    )
}

/// Returns the conversation `id` of `owner`.
pub async fn find_own(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ConversationId,
    owner: &Principal,
) -> sqlx::Result<Option<Conversation>> {
    conversations!(
        "SELECT",
        r#"
        FROM conversations
        WHERE organization_id = $1 AND id = $2 AND (created_by = $3 OR api_key_id = $4) AND deleted_at IS NULL
        "#,
        organization as OrganizationId,
        id as ConversationId,
        owner.user_id() as Option<UserId>,
        owner.api_key_id() as Option<ApiKeyId>,
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks the conversation `id` of `owner` until the transaction ends.
pub async fn lock_own(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ConversationId,
    owner: &Principal,
) -> sqlx::Result<Option<Conversation>> {
    conversations!(
        "SELECT",
        r#"
        FROM conversations
        WHERE organization_id = $1 AND id = $2 AND (created_by = $3 OR api_key_id = $4) AND deleted_at IS NULL
        FOR NO KEY UPDATE
        "#,
        organization as OrganizationId,
        id as ConversationId,
        owner.user_id() as Option<UserId>,
        owner.api_key_id() as Option<ApiKeyId>,
    )
    .fetch_optional(tx)
    .await
}

/// Changes title and model of the conversation, if its version is one of `versions` or `versions` is `None`. `title` is whether to
/// change it, and the new value. The caller has checked the owner.
pub async fn update(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ConversationId,
    (retitle, title): (bool, Option<&str>),
    model: Option<&str>,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Conversation>> {
    let now = tx.now();
    conversations!(
        r#"
        UPDATE conversations
        SET title = CASE WHEN $4 THEN $5 ELSE title END, model = coalesce($6, model), updated_at = $7, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND ($3::bigint[] IS NULL OR version = ANY($3))
        RETURNING"#,
        "",
        organization as OrganizationId,
        id as ConversationId,
        versions,
        retitle,
        title,
        model,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Deletes the conversation, if its version is one of `versions` or `versions` is `None`. Returns whether it did. The row stays until
/// [`remove_deleted`], because a model may still write a message: [`super::messages::delete_all`] deletes the others.
pub async fn delete(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ConversationId,
    versions: Option<&[i64]>,
) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE conversations
        SET title = NULL, deleted_at = $4, updated_at = $4, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND ($3::bigint[] IS NULL OR version = ANY($3))
        "#,
        organization as OrganizationId,
        id as ConversationId,
        versions,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Removes up to `limit` deleted conversations in which no model writes any more. Skips those that another transaction has locked.
pub async fn remove_deleted(tx: &mut Tx, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        r#"
        DELETE FROM conversations
        WHERE id = ANY (ARRAY(
            SELECT c.id FROM conversations c
            WHERE c.deleted_at IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.status = 'streaming')
            ORDER BY c.deleted_at
            LIMIT $1
            FOR UPDATE OF c SKIP LOCKED
        ))
        "#,
        limit,
    )
    .execute(tx)
    .await?;
    Ok(removed.rows_affected())
}

/// Removes the conversations of the organization, except those of users under a legal hold.
pub async fn delete_unheld(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM conversations c
        WHERE organization_id = $1
          AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = c.created_by AND u.legal_hold_at IS NOT NULL)
        "#,
        organization as OrganizationId,
    )
    .execute(tx)
    .await
    .map(drop)
}
