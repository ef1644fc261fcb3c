//! The tables and columns of the register.

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

/// All tables. Erasure follows this order: organizations are locked before what belongs to them, as everywhere. `users` is last,
/// because the address in it finds the other rows.
pub const TABLES: &[Table] = &[
    Table {
        name: "organizations",
        whose: Some("personal_to = $1"),
        names: Some("lower(billing_email) = lower($2)"),
        retention: Retention::Organization,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "names the organization"),
            personal("name", "the name of the organization; a personal organization may have the person's name")
                .erased("CASE WHEN personal_to = $1 THEN 'Deleted' ELSE name END"),
            personal("slug", "the name of the organization in URLs")
                .erased("CASE WHEN personal_to = $1 THEN 'deleted-' || id ELSE slug END"),
            personal("logo", "a picture").erased("CASE WHEN personal_to = $1 THEN NULL ELSE logo END"),
            personal("billing_email", "the address for bills")
                .erased("CASE WHEN personal_to = $1 OR lower(billing_email) = lower($2) THEN NULL ELSE billing_email END"),
            operational("plan", "the plan that it pays for"),
            id("personal_to", "the user whose personal organization it is"),
            operational("created_at", "when it was created"),
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
            id("user_id", "the user who is signed in"),
            secret("refresh_token_hash", "recognises the refresh token in use"),
            secret("previous_refresh_token_hash", "recognises the refresh token before it"),
            operational("generation", "recognises older refresh tokens"),
            operational("rotated_at", "lets two tabs refresh at once"),
            operational("transport", "whether the refresh token is in the body or in a cookie"),
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
            id("user_id", "the user who may use it"),
            operational("purpose", "the action that it allows"),
            personal("email", "the address it was mailed to"),
            secret("token_hash", "recognises the token"),
            secret("code_hash", "recognises the digits in the same mail"),
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
            id("organization_id", "names the organization"),
            id("user_id", "names the member"),
            personal("role", "the permissions in the organization"),
            personal("created_at", "when the member joined"),
            operational("updated_at", "when the role changed"),
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
            id("organization_id", "the organization to join"),
            personal("email", "the invited address").erased("'deleted-' || id || '@deleted.invalid'"),
            personal("role", "the role of the new member"),
            secret("token_hash", "recognises the token in the mail"),
            id("invited_by", "the user who invited"),
            operational("status", "whether it is open, and if not, how it ended")
                .erased("CASE WHEN status = 'pending' THEN 'revoked' ELSE status END"),
            personal("created_at", "when it was created"),
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
            id("organization_id", "the organization that it gives access to"),
            operational("name", "the name that the organization gave it"),
            operational("scopes", "the permissions of the key"),
            secret("secret_hash", "recognises the secret in use"),
            secret("previous_secret_hash", "recognises the secret before it"),
            operational("previous_expires_at", "ends the validity of the secret before it"),
            id("created_by", "the user who created it").erased("NULL"),
            personal("created_at", "when it was created"),
            operational("updated_at", "when it changed"),
            operational("expires_at", "ends the key"),
            operational("last_used_at", "finds unused keys"),
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
            personal("occurred_at", "when it happened"),
            personal("action", "what was done"),
            personal("outcome", "whether it was allowed"),
            // If another person acted on the user, the origin is that person's data.
            id("actor_id", "the user who did it").exported("CASE WHEN actor_id = $1 THEN actor_id END"),
            id("session_id", "the session that was used").exported("CASE WHEN actor_id = $1 THEN session_id END"),
            id("api_key_id", "the API key that was used").exported("CASE WHEN actor_id = $1 THEN api_key_id END"),
            id("organization_id", "the organization in which it happened"),
            id("target_id", "the user or resource that was changed"),
            personal("ip_address", "the source address").exported("CASE WHEN actor_id = $1 THEN ip_address END"),
            operational("request_id", "finds the log lines of the request"),
        ],
    },
    Table {
        name: "idempotency_records",
        // Kept for 24 hours, under a hash, encrypted.
        whose: None,
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Keep,
        columns: &[
            operational("key_hash", "recognises a repeated request"),
            secret("sealed", "the first response to it"),
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
            personal("name", "the name that others see").erased("'Deleted user'"),
            personal("email", "for sign-in and mail").erased("'deleted-' || id || '@deleted.invalid'"),
            personal("email_verified_at", "shows that the address belongs to the user").erased("NULL"),
            personal("image", "the picture that others see").erased("NULL"),
            personal("phone", "to reach the user").erased("NULL"),
            secret("password_hash", "recognises the password").erased("NULL"),
            personal("created_at", "when the account was created"),
            operational("updated_at", "when the row changed").erased("$3"),
            operational("deleted_at", "when the account was deleted").erased("coalesce(deleted_at, $3)"),
            operational("version", "tells two changes apart").erased("version + 1"),
            operational("system_administrator", "whether the user is a system administrator").erased("false"),
            personal("suspended_at", "when the account was suspended"),
            personal("suspended_reason", "why the account was suspended")
                .erased("CASE WHEN suspended_at IS NULL THEN NULL ELSE 'erased' END"),
            personal("legal_hold_at", "when the legal hold was placed"),
            // Showing the reason could defeat the purpose of the hold.
            personal("legal_hold_reason", "why the legal hold was placed").exported("NULL"),
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
