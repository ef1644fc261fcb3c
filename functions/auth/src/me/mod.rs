//! `/v1/auth/me`: the caller's own profile.

pub mod delete;
pub mod export;
pub mod show;
pub mod update;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{auth::account::Account, ids::UserId, store::users::User};
use utoipa::ToSchema;

/// A person, as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    id: UserId,
    #[schema(example = "Ada Lovelace", min_length = 1, max_length = 100)]
    name: String,
    #[schema(example = "ada@example.com", min_length = 3, max_length = 254)]
    email: String,
    /// Whether I have proved that the address is mine.
    email_verified: bool,
    /// A picture's URL.
    #[schema(max_length = 2048)]
    image: Option<String>,
    /// A phone number (E.164).
    #[schema(max_length = 16)]
    phone: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Self::from(&Account::from(user))
    }
}

impl From<&Account> for Profile {
    fn from(user: &Account) -> Self {
        Self {
            id: user.id,
            name: user.name.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified_at.is_some(),
            image: user.image.clone(),
            phone: user.phone.clone(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}
