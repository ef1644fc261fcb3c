//! `/v1/auth/me`: the caller's own profile.

pub mod delete;
pub mod export;
pub mod show;
pub mod update;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{ids::UserId, store::users};
use utoipa::ToSchema;

/// A person, as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    id: UserId,
    #[schema(example = "Ada Lovelace")]
    name: String,
    #[schema(example = "ada@example.com")]
    email: String,
    /// Whether I have proved that the address is mine.
    email_verified: bool,
    /// A picture's URL.
    image: Option<String>,
    /// A phone number (E.164).
    phone: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<users::User> for Profile {
    fn from(user: users::User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            email_verified: user.email_verified_at.is_some(),
            image: user.image,
            phone: user.phone,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}
