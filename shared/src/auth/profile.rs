//! Profile cache: a user's own profile is trusted for a few seconds ([`crate::cache::invalidation`]).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{domain::ids::UserId, store::users::User};

/// The part of an account that its user may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedProfile {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub image: Option<String>,
    pub phone: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl From<User> for CachedProfile {
    fn from(user: User) -> Self {
        let User {
            id, name, email, email_verified_at, image, phone, created_at, updated_at, version, ..
        } = user;
        Self { id, name, email, email_verified_at, image, phone, created_at, updated_at, version }
    }
}
