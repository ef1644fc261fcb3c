//! The register of personal data: every column of every table, what it is for, how long it stays, and what a request for a copy
//! or for erasure does with it (GDPR, articles 15, 17, 20 and 30).
//!
//! Export and erasure are made from this register and from nothing else, and a test compares it with the database: a new
//! column is here or the tests fail. In the SQL below `$1` is the user's id, `$2` their address if it is
//! proved and nobody else's by now (otherwise null, which equals nothing), `$3` the time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    audit::{Action, Event},
    auth::Caller,
    choice,
    db::Tx,
    http::RequestInfo,
    ids::UserId,
    store::{self, users::User},
};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Tells who someone is, or says something about them.
    Personal,
    /// Connects rows, and says nothing once the row it leads to is erased.
    Identifier,
    /// Proves something; never shown to anyone, its owner included.
    Secret,
    /// Says something about the service, not about a person; no part of a copy.
    Operational,
}

choice!(
    /// How long rows stay.
    Retention {
        /// As long as the account; what is personal is overwritten 30 days after it was deleted.
        Account = "account",
        /// As long as the organization.
        Organization = "organization",
        /// Until 90 days after they ended.
        NinetyDays = "90 days after the end",
        /// Until they can no longer be used.
        Usable = "while usable",
        /// For a year, erasure notwithstanding: proof of what was done to accounts is kept for the defence of legal claims
        /// (GDPR, article 17(3)(e)).
        Year = "1 year",
    }
);

/// What erasure does with a person's rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Removes them.
    Delete,
    /// Overwrites the columns that say how.
    Overwrite,
    /// Leaves them, for the reason that [`Retention`] gives.
    Keep,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub class: Class,
    /// What it is for.
    pub purpose: &'static str,
    /// The SQL expression that erasure puts in its place.
    pub erased: Option<&'static str>,
    /// The SQL expression that export shows in its place.
    pub exported: Option<&'static str>,
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Which rows are a person's, as an SQL condition; none if no row is.
    pub whose: Option<&'static str>,
    /// Which other rows, not theirs to see, name them and are overwritten too.
    pub names: Option<&'static str>,
    /// How long rows stay.
    pub retention: Retention,
    /// What erasure does with a person's rows.
    pub erasure: Erasure,
    /// Its columns.
    pub columns: &'static [Column],
}

const fn personal(name: &'static str, purpose: &'static str) -> Column {
    Column { name, class: Class::Personal, purpose, erased: None, exported: None }
}

const fn id(name: &'static str, purpose: &'static str) -> Column {
    Column { name, class: Class::Identifier, purpose, erased: None, exported: None }
}

const fn secret(name: &'static str, purpose: &'static str) -> Column {
    Column { name, class: Class::Secret, purpose, erased: None, exported: None }
}

const fn operational(name: &'static str, purpose: &'static str) -> Column {
    Column { name, class: Class::Operational, purpose, erased: None, exported: None }
}

impl Column {
    const fn erased(self, expression: &'static str) -> Self {
        Self { erased: Some(expression), ..self }
    }

    const fn exported(self, expression: &'static str) -> Self {
        Self { exported: Some(expression), ..self }
    }
}

/// The register. Erasure goes through it in this order: organizations are held before what belongs to them, as by everyone else, and `users`,
/// which loses the address that finds the other rows, comes last.
pub const TABLES: &[Table] = &[
    Table {
        name: "organizations",
        whose: Some("personal_to = $1"),
        names: Some("lower(billing_email) = lower($2)"),
        retention: Retention::Organization,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "names the organization"),
            personal("name", "what it is called; a person's own space may bear their name")
                .erased("CASE WHEN personal_to = $1 THEN 'Deleted' ELSE name END"),
            personal("slug", "what it is called in URLs")
                .erased("CASE WHEN personal_to = $1 THEN 'deleted-' || id ELSE slug END"),
            personal("logo", "how it looks").erased("CASE WHEN personal_to = $1 THEN NULL ELSE logo END"),
            personal("billing_email", "where bills go")
                .erased("CASE WHEN personal_to = $1 OR lower(billing_email) = lower($2) THEN NULL ELSE billing_email END"),
            operational("plan", "what it pays for"),
            id("personal_to", "whose own space it is"),
            operational("created_at", "when it was made"),
            operational("updated_at", "when it changed"),
            operational("deleted_at", "when it was deleted")
                .erased("CASE WHEN personal_to = $1 THEN coalesce(deleted_at, $3) ELSE deleted_at END"),
            operational("version", "tells two changes apart").erased("version + 1"),
        ],
    },
    Table {
        name: "sessions",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::NinetyDays,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "names the session"),
            id("user_id", "whose session it is"),
            secret("refresh_token_hash", "recognises the refresh token in use"),
            secret("previous_refresh_token_hash", "recognises the one before it"),
            operational("generation", "recognises older ones"),
            operational("rotated_at", "lets two tabs refresh at once"),
            operational("transport", "how the refresh token travels"),
            personal("user_agent", "lets the person recognise the device"),
            personal("ip_address", "lets the person recognise the place"),
            personal("created_at", "lets the person recognise the sign-in"),
            operational("authenticated_at", "decides whether the password is asked for again"),
            personal("last_used_at", "lets the person see which sessions are in use"),
            operational("expires_at", "ends an unused session"),
            operational("ends_at", "ends every session"),
            operational("revoked_at", "ends a session at once"),
            operational("revoked_reason", "explains why it ended"),
        ],
    },
    Table {
        name: "verification_tokens",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "names the token"),
            id("user_id", "whose it is"),
            operational("purpose", "what it is for"),
            personal("email", "the address it was mailed to"),
            secret("token_hash", "recognises the token"),
            secret("code_hash", "recognises the digits beside it"),
            operational("code_attempts", "ends guessing"),
            personal("created_at", "when it was asked for"),
            operational("expires_at", "ends an unused token"),
            operational("consumed_at", "makes it work once"),
        ],
    },
    Table {
        name: "members",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::Organization,
        erasure: Erasure::Delete,
        columns: &[
            id("organization_id", "where"),
            id("user_id", "who"),
            personal("role", "what they may do there"),
            personal("created_at", "when they joined"),
            operational("updated_at", "when their role changed"),
            operational("version", "tells two changes apart"),
        ],
    },
    Table {
        name: "invitations",
        whose: Some("lower(email) = lower($2)"),
        names: None,
        retention: Retention::Organization,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "names the invitation"),
            id("organization_id", "to where"),
            personal("email", "whom it was mailed to").erased("'deleted-' || id || '@deleted.invalid'"),
            personal("role", "as what"),
            secret("token_hash", "recognises the token in the mail"),
            id("invited_by", "who asked"),
            operational("status", "what has become of it")
                .erased("CASE WHEN status = 'pending' THEN 'revoked' ELSE status END"),
            personal("created_at", "when they were invited"),
            operational("updated_at", "when it was answered"),
            operational("expires_at", "ends an unanswered invitation"),
            operational("version", "tells two changes apart"),
        ],
    },
    Table {
        name: "api_keys",
        whose: Some("created_by = $1"),
        names: None,
        retention: Retention::Organization,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "names the key"),
            id("organization_id", "whose it is"),
            operational("name", "what the organization calls it"),
            operational("scopes", "what it may do"),
            secret("secret_hash", "recognises the secret in use"),
            secret("previous_secret_hash", "recognises the one before it"),
            operational("previous_expires_at", "ends a rotation"),
            id("created_by", "who made it").erased("NULL"),
            personal("created_at", "when they made it"),
            operational("updated_at", "when it changed"),
            operational("expires_at", "ends the key"),
            operational("last_used_at", "finds keys that nobody needs"),
            operational("revoked_at", "ends the key at once"),
            operational("version", "tells two changes apart"),
        ],
    },
    Table {
        name: "audit_events",
        whose: Some("actor_id = $1 OR target_id = $1"),
        names: None,
        retention: Retention::Year,
        erasure: Erasure::Keep,
        columns: &[
            id("id", "names the event"),
            personal("occurred_at", "when"),
            personal("action", "what was done"),
            personal("outcome", "whether it was allowed"),
            // Who acted on someone is that person's data, not theirs.
            id("actor_id", "who did it").exported("CASE WHEN actor_id = $1 THEN actor_id END"),
            id("session_id", "through which session").exported("CASE WHEN actor_id = $1 THEN session_id END"),
            id("api_key_id", "through which API key").exported("CASE WHEN actor_id = $1 THEN api_key_id END"),
            id("organization_id", "in which organization"),
            id("target_id", "to what"),
            personal("ip_address", "from where").exported("CASE WHEN actor_id = $1 THEN ip_address END"),
            operational("request_id", "finds the log lines of the request"),
        ],
    },
    Table {
        name: "idempotency_records",
        // For 24 hours, under a hash, encrypted.
        whose: None,
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Keep,
        columns: &[
            operational("key_hash", "recognises a repeated request"),
            secret("sealed", "the first answer to it"),
            operational("expires_at", "ends the record"),
        ],
    },
    Table {
        name: "users",
        whose: Some("id = $1"),
        names: None,
        retention: Retention::Account,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "names the account"),
            personal("name", "how others know the person").erased("'Deleted user'"),
            personal("email", "signs in, receives mail").erased("'deleted-' || id || '@deleted.invalid'"),
            personal("email_verified_at", "shows that the address is theirs").erased("NULL"),
            personal("image", "how others know the person").erased("NULL"),
            personal("phone", "reaches the person").erased("NULL"),
            secret("password_hash", "recognises the password").erased("NULL"),
            personal("created_at", "when they came"),
            operational("updated_at", "when the row changed").erased("$3"),
            operational("deleted_at", "when they left").erased("coalesce(deleted_at, $3)"),
            operational("version", "tells two changes apart").erased("version + 1"),
            operational("system_administrator", "whether they administer the system").erased("false"),
            personal("suspended_at", "when they were shut out"),
            personal("suspended_reason", "why they were shut out")
                .erased("CASE WHEN suspended_at IS NULL THEN NULL ELSE 'erased' END"),
            personal("legal_hold_at", "since when nothing may be erased"),
            // Telling could defeat what it is for.
            personal("legal_hold_reason", "why nothing may be erased").exported("NULL"),
            operational("erased_at", "when the personal columns were overwritten").erased("$3"),
        ],
    },
];

/// Everything held about one person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// When it was made.
    pub exported_at: DateTime<Utc>,
    /// Whom it is about.
    pub user_id: UserId,
    /// Table by table.
    pub records: Vec<Records>,
}

/// The rows of one table.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExportedRecords)]
pub struct Records {
    /// The table.
    #[schema(example = "sessions")]
    pub table: &'static str,
    /// What each member of a row is for.
    #[schema(value_type = HashMap<String, String>)]
    pub purposes: BTreeMap<String, &'static str>,
    /// How long rows stay.
    pub retention: Retention,
    /// The rows, as objects.
    #[schema(value_type = Vec<Object>)]
    pub rows: Value,
}

impl Export {
    /// Reads everything held about `user`, and notes in the audit log that `by` did.
    pub async fn of(
        tx: &mut Tx,
        user: &User,
        by: &Caller,
        request: &RequestInfo,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Self> {
        let event = Event::new(Action::UserExported, by.user, request).through(by.session).to(user.id.0);
        store::audit_events::insert(tx, &event, now).await?;
        let records = store::personal_data::export(tx, user).await?;
        Ok(Self { exported_at: now, user_id: user.id, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erasure_leaves_nothing_personal_and_no_secret_where_it_overwrites() {
        for table in TABLES.iter().filter(|table| table.erasure == Erasure::Overwrite) {
            for column in table.columns {
                let kept = ["created_at", "role", "suspended_at", "legal_hold_at", "legal_hold_reason"];
                let says_who = column.class == Class::Personal && !kept.contains(&column.name);
                assert!(!says_who || column.erased.is_some(), "{}.{} stays", table.name, column.name);
            }
        }
    }
}
