//! A user as system administrators see it.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::Administrator,
    db::Tx,
    domain::{ids::UserId, mail_delivery::EmailDelivery, page::Data},
    http::etag::ETag,
    store::users,
};
use utoipa::{IntoParams, ToSchema};

use crate::refusals;

/// A user, with the state of the account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView {
    id: UserId,
    #[schema(example = "Ada Lovelace", min_length = 1, max_length = 100)]
    name: String,
    #[schema(example = "ada@example.com", min_length = 3, max_length = 254)]
    email: String,
    /// Whether the user has verified the address.
    email_verified: bool,
    /// Whether mail is sent to the address.
    email_delivery: EmailDelivery,
    /// The URL of a picture.
    #[schema(max_length = 2048)]
    image: Option<String>,
    /// A phone number (E.164).
    #[schema(max_length = 16)]
    phone: Option<String>,
    /// Whether the user is a system administrator.
    system_administrator: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// The time of the suspension; null if the user is not suspended.
    suspended_at: Option<DateTime<Utc>>,
    /// The reason for the suspension.
    #[schema(min_length = 1, max_length = 500)]
    suspended_reason: Option<String>,
    /// The time since which the user must not be erased; null if there is no legal hold.
    legal_hold_at: Option<DateTime<Utc>>,
    /// The reason for the legal hold.
    #[schema(min_length = 1, max_length = 500)]
    legal_hold_reason: Option<String>,
    /// The time since which a sign-in needs a second factor; null if it needs none.
    second_factor_at: Option<DateTime<Utc>>,
    /// Null if the account is not deleted.
    deleted_at: Option<DateTime<Utc>>,
    /// The time at which every personal column was overwritten; null if the user is not erased.
    erased_at: Option<DateTime<Utc>>,
}

impl From<users::User> for UserView {
    fn from(user: users::User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            email_verified: user.email_verified_at.is_some(),
            email_delivery: EmailDelivery::new(user.mail_stopped, user.mail_stopped_since),
            image: user.image,
            phone: user.phone,
            system_administrator: user.system_administrator,
            created_at: user.created_at,
            updated_at: user.updated_at,
            suspended_at: user.suspended_at,
            suspended_reason: user.suspended_reason,
            legal_hold_at: user.legal_hold_at,
            legal_hold_reason: user.legal_hold_reason,
            second_factor_at: user.second_factor_at,
            deleted_at: user.deleted_at,
            erased_at: user.erased_at,
        }
    }
}

/// The path of a user.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct UserPath {
    /// The user's id.
    pub user_id: UserId,
}

/// A user, with its version as `ETag`.
pub type UserResponse = (ETag, Json<Data<UserView>>);

pub fn respond(user: users::User) -> UserResponse {
    (ETag(user.version), Json(Data { data: user.into() }))
}

/// Loads the user `id`, and locks it together with the administrator until the transaction ends. Refuses an erased user.
pub async fn lock(tx: &mut Tx, administrator: &Administrator, id: UserId) -> Result<users::User, ApiError> {
    let user = administrator.lock(tx, id).await?.ok_or(refusals::NO_SUCH_USER)?;
    if user.erased_at.is_some() { Err(refusals::ERASED.into()) } else { Ok(user) }
}

/// Does the same as [`lock`], and also refuses a deleted user.
pub async fn lock_living(
    tx: &mut Tx,
    administrator: &Administrator,
    id: UserId,
) -> Result<users::User, ApiError> {
    let user = lock(tx, administrator, id).await?;
    if user.deleted_at.is_some() { Err(refusals::DELETED.into()) } else { Ok(user) }
}

/// Refuses an administrator who names their own account.
pub fn require_other(administrator: &Administrator, id: UserId) -> Result<(), ApiError> {
    if id == administrator.caller.user { Err(refusals::OWN_ACCOUNT.into()) } else { Ok(()) }
}
