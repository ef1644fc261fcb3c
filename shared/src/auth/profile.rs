//! Profile cache: a user's own profile is trusted for a few seconds ([`crate::cache::invalidation`]).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{ids::UserId, mail_delivery::StopReason},
    store::users::User,
};

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
    pub mail_stopped: Option<StopReason>,
    pub mail_stopped_since: Option<DateTime<Utc>>,
    /// Missing in what an older release has cached.
    #[serde(default)]
    pub system_administrator: bool,
}

impl From<User> for CachedProfile {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            email_verified_at: user.email_verified_at,
            image: user.image,
            phone: user.phone,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
            mail_stopped: user.mail_stopped,
            mail_stopped_since: user.mail_stopped_since,
            system_administrator: user.system_administrator,
        }
    }
}
