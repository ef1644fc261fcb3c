//! The register itself.

use super::{Class, Column, Erasure, Retention, Table};

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
        retention: Retention::Usable,
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
