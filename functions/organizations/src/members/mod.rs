//! `/v1/organizations/{organizationId}/members`: who belongs to an organization.

pub mod delete;
pub mod list;
pub mod show;
pub mod update;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{auth::permission::Role, ids::UserId, store::members};
use utoipa::ToSchema;

/// Which member, in the path.
#[derive(Deserialize)]
pub struct MemberPath {
    #[serde(rename = "memberId")]
    id: UserId,
}

/// A person in an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub struct MemberView {
    /// The user's id.
    id: UserId,
    #[schema(example = "Ada Lovelace", min_length = 1, max_length = 100)]
    name: String,
    #[schema(example = "ada@example.com", min_length = 3, max_length = 254)]
    email: String,
    /// A picture's URL.
    #[schema(max_length = 2048)]
    image: Option<String>,
    role: Role,
    /// When they joined.
    created_at: DateTime<Utc>,
    /// When their role last changed.
    updated_at: DateTime<Utc>,
}

impl From<members::Member> for MemberView {
    fn from(member: members::Member) -> Self {
        Self {
            id: member.user_id,
            name: member.name,
            email: member.email,
            image: member.image,
            role: member.role,
            created_at: member.created_at,
            updated_at: member.updated_at,
        }
    }
}
