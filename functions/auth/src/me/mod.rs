//! `/v1/auth/me`: the caller's own profile.

pub mod audit_events;
pub mod create_export;
pub mod delete;
pub mod export;
pub mod show;
pub mod update;

use axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    ApiError,
    auth::{caller::UNAUTHENTICATED, profile::CachedProfile},
    domain::{
        ids::UserId,
        mail_delivery::{EmailDelivery, StopReason},
        page::Data,
    },
    http::etag::{ETag, STALE},
    store::users::User,
};
use utoipa::ToSchema;

/// The caller's profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    id: UserId,
    #[schema(example = "Ada Lovelace", min_length = 1, max_length = 100)]
    name: String,
    #[schema(example = "ada@example.com", min_length = 3, max_length = 254)]
    email: String,
    /// Whether the caller has verified the address.
    email_verified: bool,
    /// Whether mail is sent to the address.
    email_delivery: EmailDelivery,
    /// The URL of a picture.
    #[schema(max_length = 2048)]
    image: Option<String>,
    /// A phone number (E.164).
    #[schema(max_length = 16)]
    phone: Option<String>,
    /// Whether the caller is a system administrator.
    system_administrator: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Self::from(&CachedProfile::from(user))
    }
}

impl From<&CachedProfile> for Profile {
    fn from(profile: &CachedProfile) -> Self {
        Self {
            id: profile.id,
            name: profile.name.clone(),
            email: profile.email.clone(),
            email_verified: profile.email_verified_at.is_some(),
            email_delivery: delivery(profile),
            image: profile.image.clone(),
            phone: profile.phone.clone(),
            system_administrator: profile.system_administrator,
            created_at: profile.created_at,
            updated_at: profile.updated_at,
        }
    }
}

/// Returns what the user may know about mail to the address. An address that is not verified may be somebody else's: then only a mail
/// that bounced since the registration.
fn delivery(profile: &CachedProfile) -> EmailDelivery {
    let CachedProfile { mail_stopped: reason, mail_stopped_since: since, created_at, .. } = *profile;
    let is_own_bounce = reason == Some(StopReason::Bounce) && since.is_some_and(|since| since >= created_at);
    if profile.email_verified_at.is_some() || is_own_bounce {
        EmailDelivery::new(reason, since)
    } else {
        EmailDelivery::new(None, None)
    }
}

/// A profile, with its version as `ETag`.
pub type ProfileResponse = (ETag, Json<Data<Profile>>);

pub fn respond(profile: &CachedProfile) -> ProfileResponse {
    (ETag(profile.version), Json(Data { data: profile.into() }))
}

/// Returns the refusal of a change that matched no row: it has none of `versions`, or the account has just been deleted.
fn not_matched(versions: Option<&[i64]>) -> ApiError {
    if versions.is_some() { STALE.into() } else { UNAUTHENTICATED.into() }
}
