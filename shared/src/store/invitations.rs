//! The `invitations` table.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    db::Tx,
    domain::{
        actor::Principal,
        ids::{ApiKeyId, InvitationId, OrganizationId, UserId},
        mail_delivery::StopReason,
        page::PageQuery,
        permission::Role,
    },
    text_enum,
};

text_enum!(
    /// The state of an invitation.
    Status {
        /// It can be answered.
        Pending = "pending",
        Accepted = "accepted",
        Declined = "declined",
        /// The organization revoked it.
        Revoked = "revoked",
        /// It was not answered in time.
        Expired = "expired",
    }
);

/// A row of `invitations`.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub id: InvitationId,
    pub organization_id: OrganizationId,
    pub email: String,
    pub role: Role,
    /// The user who sent it, unless an API key did or the user is erased.
    pub invited_by: Option<UserId>,
    /// The API key that sent it.
    pub invited_by_key: Option<ApiKeyId>,
    /// May be `Pending` although it has expired.
    pub status: Status,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub version: i64,
}

pub struct NewInvitation<'a> {
    pub email: &'a str,
    pub role: Role,
    pub token_hash: &'a [u8],
    pub invited_by: Principal,
    pub expires_at: DateTime<Utc>,
}

/// Builds a query of whole rows, from the SQL before and after the columns.
macro_rules! invitations {
    ($before:tt, $after:tt, $($argument:tt)*) => {
        sqlx::query_as!(
            Invitation,
            $before + r#" id AS "id: InvitationId", organization_id AS "organization_id: OrganizationId", email,
                          role AS "role: Role", invited_by AS "invited_by: UserId",
                          invited_by_key AS "invited_by_key: ApiKeyId", status AS "status: Status", created_at,
                          expires_at, version "# + $after,
            $($argument)*
        )
    };
}

/// Inserts an invitation. Violates `invitations_organization_id_email_key` if the address has a pending one.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    new: &NewInvitation<'_>,
) -> sqlx::Result<Invitation> {
    let now = tx.now();
    // An expired invitation must not violate the constraint.
    sqlx::query!(
        r#"
        UPDATE invitations
        SET status = 'expired', updated_at = $3, version = version + 1
        WHERE organization_id = $1 AND lower(email) = lower($2) AND status = 'pending' AND expires_at <= $3
        "#,
        organization as OrganizationId,
        new.email,
        now,
    )
    .execute(&mut *tx)
    .await?;
    invitations!(
        r#"
        INSERT INTO invitations
            (id, organization_id, email, role, token_hash, invited_by, invited_by_key, created_at, updated_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
        RETURNING"#,
        "",
        InvitationId::new() as InvitationId,
        organization as OrganizationId,
        new.email,
        new.role.as_str(),
        new.token_hash,
        new.invited_by.user_id() as Option<UserId>,
        new.invited_by.api_key_id() as Option<ApiKeyId>,
        now,
        new.expires_at,
    )
    .fetch_one(tx)
    .await
}

/// The times after which [`count`] counts.
pub struct Since {
    /// For [`Counted::in_organization`].
    pub organization: DateTime<Utc>,
    /// For the invitations to the address.
    pub address: DateTime<Utc>,
}

/// Invitations that were sent.
pub struct Sent {
    pub count: i64,
    /// The time of the first of them.
    pub first: Option<DateTime<Utc>>,
}

/// The invitations that limits count, whatever became of them, and whether mail to the address is stopped.
pub struct Counted {
    pub in_organization: Sent,
    pub to_address_in_organization: Sent,
    pub to_address: Sent,
    /// The reason for which no mail is sent to the address.
    pub mail_stopped: Option<StopReason>,
}

/// Counts the invitations of the organization, and those to `email`. The caller has locked the organization.
pub async fn count(
    tx: &mut Tx,
    organization: OrganizationId,
    email: &str,
    since: Since,
) -> sqlx::Result<Counted> {
    let row = sqlx::query!(
        r#"
        SELECT count(*) FILTER (WHERE here AND created_at > $3) AS "here!",
               min(created_at) FILTER (WHERE here AND created_at > $3) AS first_here,
               count(*) FILTER (WHERE here AND same) AS "both!",
               min(created_at) FILTER (WHERE here AND same) AS first_both,
               count(*) FILTER (WHERE same) AS "same!",
               min(created_at) FILTER (WHERE same) AS first_same,
               (SELECT s.reason FROM mail_suppressions s WHERE s.address = lower($2) AND s.lifted_at IS NULL)
                   AS "mail_stopped: StopReason"
        FROM (
            SELECT created_at, organization_id = $1 AS here, lower(email) = lower($2) AND created_at > $4 AS same
            FROM invitations
            WHERE (organization_id = $1 AND created_at > $3) OR (lower(email) = lower($2) AND created_at > $4)
        ) AS sent
        "#,
        organization as OrganizationId,
        email,
        since.organization,
        since.address,
    )
    .fetch_one(tx)
    .await?;
    Ok(Counted {
        in_organization: Sent { count: row.here, first: row.first_here },
        to_address_in_organization: Sent { count: row.both, first: row.first_both },
        to_address: Sent { count: row.same, first: row.first_same },
        mail_stopped: row.mail_stopped,
    })
}

/// Returns the invitation `id` of the organization.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    id: InvitationId,
) -> sqlx::Result<Option<Invitation>> {
    invitations!(
        "SELECT",
        "FROM invitations WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id as InvitationId,
    )
    .fetch_optional(tx)
    .await
}

/// Returns a page of the organization's invitations.
pub async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    page: &PageQuery,
    status: Option<Status>,
) -> sqlx::Result<Vec<Invitation>> {
    let now = tx.now();
    page_of!(
        tx,
        page,
        Invitation,
        r#"
        SELECT id AS "id: InvitationId", organization_id AS "organization_id: OrganizationId", email,
               role AS "role: Role", invited_by AS "invited_by: UserId",
               invited_by_key AS "invited_by_key: ApiKeyId", status AS "status: Status", created_at, expires_at, version
        FROM invitations
        WHERE organization_id = $3
          AND ($4::text IS NULL
               OR $4 = CASE WHEN status = 'pending' AND expires_at <= $5 THEN 'expired' ELSE status END)
        "#,
        "id",
        organization as OrganizationId,
        status as Option<Status>,
        now
    )
}

/// Returns the pending invitation with this token, if its organization is not deleted.
pub async fn find_open(tx: &mut Tx, token_hash: &[u8]) -> sqlx::Result<Option<Invitation>> {
    let now = tx.now();
    invitations!(
        "SELECT",
        r#"
        FROM invitations i
        WHERE token_hash = $1 AND status = 'pending' AND expires_at > $2
          AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = i.organization_id AND o.deleted_at IS NULL)
        "#,
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Ends a pending invitation. Of concurrent calls, one succeeds.
pub async fn end(
    tx: &mut Tx,
    organization: OrganizationId,
    id: InvitationId,
    status: Status,
) -> sqlx::Result<Option<Invitation>> {
    let now = tx.now();
    invitations!(
        r#"
        UPDATE invitations
        SET status = $3, updated_at = $4, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND status = 'pending' AND expires_at > $4
        RETURNING"#,
        "",
        organization as OrganizationId,
        id as InvitationId,
        status.as_str(),
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Revokes the pending invitations of all organizations.
pub async fn revoke_all(connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE invitations SET status = 'revoked', updated_at = $1, version = version + 1 WHERE status = 'pending'",
        now,
    )
    .execute(connection)
    .await
    .map(drop)
}
