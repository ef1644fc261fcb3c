//! The `users` table.

use chrono::{DateTime, Utc};

use crate::{
    cache::invalidation::CacheKey,
    db::Tx,
    domain::{
        changes::ChangedFields,
        ids::UserId,
        input::{Email, ImageUrl, Name, Phone},
        mail_delivery::{Mailbox, StopReason},
        patch::Patch,
    },
};

/// A row of `users`, without the hash of the password.
#[derive(Debug, Clone)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub email: String,
    /// `None` until the user has verified the address.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// The URL of an image.
    pub image: Option<String>,
    pub phone: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub system_administrator: bool,
    pub suspended_at: Option<DateTime<Utc>>,
    pub suspended_reason: Option<String>,
    /// Erasure is forbidden since this time.
    pub legal_hold_at: Option<DateTime<Utc>>,
    pub legal_hold_reason: Option<String>,
    pub deleted_at: Option<DateTime<Utc>>,
    /// The time at which every personal column was overwritten.
    pub erased_at: Option<DateTime<Utc>>,
    pub version: i64,
    /// The reason for which no mail is sent to the address; `None` if mail is sent.
    pub mail_stopped: Option<StopReason>,
    pub mail_stopped_since: Option<DateTime<Utc>>,
    /// Devices that signed in before are unknown: the password was changed or removed then.
    pub devices_forgotten_at: Option<DateTime<Utc>>,
    /// The time since which a sign-in needs a second factor; `None` if it needs none.
    pub second_factor_at: Option<DateTime<Utc>>,
}

impl User {
    /// Checks whether the user is neither deleted nor suspended.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.deleted_at.is_none() && self.suspended_at.is_none()
    }

    /// Returns where mail for the user goes.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        Mailbox { address: self.email.clone(), stopped: self.mail_stopped }
    }

    /// Returns the states of the account in which `after` differs, for the audit log.
    #[must_use]
    pub fn changed_states(&self, after: &Self) -> ChangedFields {
        let states = [
            ("deleted", self.deleted_at.is_some(), after.deleted_at.is_some()),
            ("legalHold", self.legal_hold_at.is_some(), after.legal_hold_at.is_some()),
            ("suspended", self.suspended_at.is_some(), after.suspended_at.is_some()),
            ("systemAdministrator", self.system_administrator, after.system_administrator),
        ];
        states.into_iter().fold(ChangedFields::default(), |changes, (field, from, to)| {
            changes.values(field, Some(from), Some(to))
        })
    }
}

/// Builds a query of whole rows, from the SQL before and after the columns.
macro_rules! users {
    ($before:tt, $after:tt, $($argument:tt)*) => {
        sqlx::query_as!(
            User,
            $before + r#" id AS "id: UserId", name, email, email_verified_at, image, phone, created_at, updated_at,
                          system_administrator, suspended_at, suspended_reason, legal_hold_at, legal_hold_reason,
                          deleted_at, erased_at, version, second_factor_at,
                          (SELECT s.reason FROM mail_suppressions s
                           WHERE s.address = lower(users.email) AND s.lifted_at IS NULL)
                              AS "mail_stopped: crate::domain::mail_delivery::StopReason",
                          (SELECT s.since FROM mail_suppressions s
                           WHERE s.address = lower(users.email) AND s.lifted_at IS NULL) AS mail_stopped_since,
                          devices_forgotten_at "# + $after,
            $($argument)*
        )
    };
}

mod administration;
mod by_identity;
mod by_token;
mod deleted;
mod imported;
mod never_verified;
mod passwords;
mod registration;
mod second_factor;

pub use administration::{
    UserStatus, appoint, list, lock_pair, recover, set_legal_hold, set_system_administrator, suspend,
    undelete, unsuspend,
};
pub use by_identity::{lock_by_identity, lock_by_passkey};
pub use by_token::{find_by_token, lock_by_token};
pub use deleted::{Expired, count_deleted, lock_deleted};
pub use imported::{ImportedUser, find_by_addresses, find_by_ids, insert_imported};
pub use never_verified::{count_never_verified, lock_never_verified};
pub use passwords::{
    Credentials, Proofs, SignInMethods, credentials_by_email, has_imported_passwords, lock_password,
    lock_with_password, password_hash, proofs, remove_password, remove_unproved_ways_in, replace_password,
    reset_password, sign_in_methods,
};
pub use registration::{NewUser, register};
pub use second_factor::{is_owner_known, remove_second_factors, require_second_factor};

/// The changes of a user's profile.
pub struct Changes<'a> {
    pub name: Option<&'a Name>,
    pub image: &'a Patch<ImageUrl>,
    pub phone: &'a Patch<Phone>,
}

impl Changes<'_> {
    /// Returns the names of the fields that change, for the audit log.
    #[must_use]
    pub fn names(&self) -> ChangedFields {
        ChangedFields::default()
            .name("name", self.name.is_some())
            .name("image", self.image.change().0)
            .name("phone", self.phone.change().0)
    }
}

/// Returns the user `id`, if not deleted.
pub async fn find(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE id = $1 AND deleted_at IS NULL
        "#,
        id as UserId,
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks the user with `email`, ignoring case, until the transaction ends, if neither deleted nor suspended.
pub async fn lock_by_email(tx: &mut Tx, email: &Email) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE lower(email) = lower($1) AND deleted_at IS NULL AND suspended_at IS NULL
        FOR NO KEY UPDATE
        "#,
        email.as_ref(),
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks the user with `email`, ignoring case, until the transaction ends, if not deleted.
pub async fn lock_owner(tx: &mut Tx, email: &Email) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE lower(email) = lower($1) AND deleted_at IS NULL
        FOR NO KEY UPDATE
        "#,
        email.as_ref(),
    )
    .fetch_optional(tx)
    .await
}

/// Gives the user a new version, because something has changed that is shown with the user but stored elsewhere.
pub async fn touch(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET updated_at = $2, version = version + 1
        WHERE id = $1
        RETURNING"#,
        "",
        id as UserId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// What a change to an address depends on.
pub struct NewAddress {
    /// Whether another account that is not deleted has the address, ignoring case.
    pub taken: bool,
    /// The reason for which no mail is sent to it.
    pub stopped: Option<StopReason>,
}

/// Checks whether the account of `user` can move to `email`.
pub async fn check_address(tx: &mut Tx, email: &Email, user: UserId) -> sqlx::Result<NewAddress> {
    sqlx::query_as!(
        NewAddress,
        r#"
        SELECT EXISTS (
                   SELECT 1 FROM users WHERE lower(email) = lower($1) AND id <> $2 AND deleted_at IS NULL
               ) AS "taken!",
               (SELECT s.reason FROM mail_suppressions s WHERE s.address = lower($1) AND s.lifted_at IS NULL)
                   AS "stopped: StopReason"
        "#,
        email.as_ref(),
        user as UserId,
    )
    .fetch_one(tx)
    .await
}

/// Returns the user `id`, deleted or not.
pub async fn find_any(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    users!("SELECT", "FROM users WHERE id = $1", id as UserId).fetch_optional(tx).await
}

/// Loads and locks the user `id`, deleted or not, until the transaction ends.
pub async fn lock(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    users!("SELECT", "FROM users WHERE id = $1 FOR NO KEY UPDATE", id as UserId).fetch_optional(tx).await
}

/// Updates the profile of a user who is not deleted, if its version is one of `versions` or `versions` is `None`.
pub async fn update(
    tx: &mut Tx,
    id: UserId,
    changes: &Changes<'_>,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    let (change_image, image) = changes.image.change();
    let (change_phone, phone) = changes.phone.change();
    users!(
        r#"
        UPDATE users
        SET name = coalesce($3, name),
            image = CASE WHEN $4 THEN $5 ELSE image END,
            phone = CASE WHEN $6 THEN $7 ELSE phone END,
            updated_at = $8,
            version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint[] IS NULL OR version = ANY($2))
        RETURNING"#,
        "",
        id as UserId,
        versions,
        changes.name.map(AsRef::as_ref),
        change_image,
        image.map(AsRef::as_ref),
        change_phone,
        phone.map(AsRef::as_ref),
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Marks the address of an active user (neither deleted nor suspended) as verified, if it is still `email`. `by_user`: the user of the
/// account did it, so the password is the user's too.
///
/// Without that, the password of an address that was not verified before counts as set by another person.
pub async fn verify_email(tx: &mut Tx, id: UserId, email: &str, by_user: bool) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET email_verified_at = coalesce(email_verified_at, $3),
            password_proved = $4 OR (password_proved AND email_verified_at IS NOT NULL),
            updated_at = $3, version = version + 1
        WHERE id = $1 AND email = $2 AND deleted_at IS NULL AND suspended_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        email,
        now,
        by_user,
    )
    .fetch_optional(tx)
    .await
}

/// Marks the user as deleted, if the version is one of `versions` or `versions` is `None`. Returns whether it did.
pub async fn delete(tx: &mut Tx, id: UserId, versions: Option<&[i64]>) -> sqlx::Result<bool> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    let result = sqlx::query!(
        r#"
        UPDATE users
        SET deleted_at = $3, updated_at = $3, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint[] IS NULL OR version = ANY($2))
        "#,
        id as UserId,
        versions,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Changes the address of an active user (neither deleted nor suspended) to the verified address `email`. Violates
/// `users_email_key` if another account that is not deleted has it.
///
/// The person who does it has proved to be the user and to read the address, so the password is theirs.
pub async fn change_email(tx: &mut Tx, id: UserId, email: &str) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET email = $2, email_verified_at = $3, password_proved = true, updated_at = $3, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND suspended_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        email,
        now,
    )
    .fetch_optional(tx)
    .await
}
