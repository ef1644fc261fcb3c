//! The entries of the register.

mod artifacts;
mod chat;

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

/// The SQL condition for the organizations of a user alone: the personal one, and those without another member.
macro_rules! own_organization {
    () => {
        "(personal_to = $1 OR id = ANY(ARRAY(
            SELECT m.organization_id FROM members m
            WHERE m.user_id = $1 AND NOT EXISTS (
                SELECT 1 FROM members r WHERE r.organization_id = m.organization_id AND r.user_id <> $1))))"
    };
}

/// The SQL expression that overwrites a column of an organization of the user alone.
macro_rules! if_own {
    ($column:literal, $new:literal) => {
        concat!("CASE WHEN ", own_organization!(), " THEN ", $new, " ELSE ", $column, " END")
    };
}

/// The register, in the order of erasure: `organizations` first, because all code locks them before what belongs to them; `users`
/// last, because its address finds rows in the other tables.
pub const TABLES: &[Table] = &[
    Table {
        name: "organizations",
        // Erasure purges them before (`accounts::erasure`). It overwrites those that the legal hold of another user keeps.
        whose: Some(own_organization!()),
        names: Some("lower(billing_email) = lower($2)"),
        retention: Retention::Restorable,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "identifies the organization"),
            personal("name", "name of the organization; a personal organization may have its user's name")
                .erased(if_own!("name", "'Deleted'")),
            personal("slug", "name in URLs").erased(if_own!("slug", "'deleted-' || id")),
            personal("logo", "image of the organization").erased(if_own!("logo", "NULL")),
            personal("billing_email", "address for invoices").erased(concat!(
                "CASE WHEN lower(billing_email) = lower($2) THEN NULL ELSE ",
                if_own!("billing_email", "NULL"),
                " END"
            )),
            operational("plan", "plan of the organization"),
            operational("rate_limit", "requests that each of its API keys may make"),
            id("personal_to", "user whose personal organization it is"),
            operational("created_at", "time of creation"),
            operational("updated_at", "time of the last change"),
            operational("deleted_at", "time of deletion")
                .erased(if_own!("deleted_at", "coalesce(deleted_at, $3)")),
            operational("version", "detects concurrent changes").erased("version + 1"),
            operational("second_factor_from", "time since which members need a second factor"),
        ],
    },
    Table {
        name: "sessions",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::NinetyDays,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "identifies the session"),
            id("user_id", "user of the session"),
            secret("refresh_token_hash", "verifies the current refresh token"),
            secret("previous_refresh_token_hash", "verifies the previous refresh token"),
            operational("generation", "counts the refresh tokens"),
            operational("rotated_at", "allows two tabs to refresh at the same time"),
            operational("transport", "how the refresh token is sent: body or cookie"),
            personal("user_agent", "helps the user to recognize the device"),
            personal("ip_address", "helps the user to recognize the place"),
            personal("created_at", "helps the user to recognize the sign-in"),
            operational("authenticated_at", "decides whether the password is needed again"),
            personal("last_used_at", "shows the user which sessions are in use"),
            operational("expires_at", "end of an unused session"),
            operational("ends_at", "latest end of the session"),
            operational("revoked_at", "time of revocation"),
            operational("revoked_reason", "reason of the revocation"),
            operational("factors", "decides whether another factor is needed"),
        ],
    },
    Table {
        name: "verification_tokens",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "identifies the token"),
            id("user_id", "user of the token"),
            operational("purpose", "what the token allows"),
            personal("email", "address to which it was mailed"),
            secret("token_hash", "verifies the token"),
            secret("code_hash", "verifies the code in the same mail"),
            operational("code_attempts", "limits wrong codes"),
            personal("created_at", "time of the request"),
            operational("expires_at", "end of an unused token"),
            operational("consumed_at", "time of use; a token works once"),
            operational(
                "refused_at",
                "when it was first presented after its end; recorded once in the audit log",
            ),
        ],
    },
    Table {
        name: "totp_factors",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::AccountPart,
        erasure: Erasure::Delete,
        columns: &[
            id("user_id", "user of the authenticator app"),
            secret("sealed", "encrypted seed of the codes"),
            personal("created_at", "time at which the user began to add the app"),
            personal("confirmed_at", "time since which a sign-in needs a code"),
            operational("last_step", "time of the last code that was used; a code works once"),
        ],
    },
    Table {
        name: "recovery_codes",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::AccountPart,
        erasure: Erasure::Delete,
        columns: &[
            id("user_id", "user of the code"),
            secret("code_hash", "verifies the code"),
            personal("created_at", "time at which the code was made"),
        ],
    },
    Table {
        name: "sign_in_challenges",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "identifies the begun sign-in"),
            id("user_id", "user who signs in"),
            secret("token_hash", "verifies the token of the begun sign-in"),
            personal("first_factor", "how the sign-in began"),
            operational("guesses", "limits wrong codes"),
            personal("created_at", "time of the first step"),
            operational("expires_at", "end of the begun sign-in"),
        ],
    },
    Table {
        name: "identities",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::AccountPart,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "identifies the identity"),
            id("user_id", "user who signs in with it"),
            personal("provider", "identity provider at which the user signs in"),
            personal("issuer", "who vouches for the identity"),
            personal("subject", "the user's id at the provider"),
            personal("email", "address at the provider; helps the user to recognize the identity"),
            operational("proved", "decides whether the first sign-in by mail removes it"),
            personal("created_at", "time at which it was linked"),
            personal("last_used_at", "shows the user which identities are in use"),
        ],
    },
    Table {
        name: "passkeys",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::AccountPart,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "identifies the passkey"),
            id("user_id", "user who signs in with it"),
            personal("credential_id", "identifies the passkey at the device of the user"),
            personal("public_key", "verifies the passkey"),
            operational("sign_count", "shows that a passkey was copied"),
            operational("backup_eligible", "shows that a passkey was changed"),
            personal("backed_up", "shows the user whether the passkey is on several devices"),
            personal("name", "helps the user to recognize the passkey"),
            personal("created_at", "time at which it was added"),
            personal("updated_at", "time of the last change"),
            personal("last_used_at", "shows the user which passkeys are in use"),
            operational("version", "detects concurrent changes"),
        ],
    },
    Table {
        name: "passkey_ceremonies",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "identifies the ceremony"),
            operational("purpose", "what becomes of the passkey"),
            id("user_id", "user who adds a passkey or signs in"),
            id("passkey_id", "passkey that signed in"),
            secret("token_hash", "verifies the token of the ceremony"),
            secret("sealed", "what the ceremony needs until it ends, encrypted"),
            secret("code_hash", "verifies the code of the last step"),
            personal("created_at", "time at which it began"),
            operational("expires_at", "end of an unfinished ceremony"),
            operational("consumed_at", "time at which a passkey was presented; it counts once"),
            operational("exchanged_at", "time of the last step; it is done once"),
        ],
    },
    Table {
        name: "oauth_flows",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Delete,
        columns: &[
            id("id", "identifies the sign-in"),
            id("user_id", "user who links an identity"),
            personal("provider", "identity provider to which the user was sent"),
            operational("purpose", "what becomes of the identity"),
            secret("state_hash", "verifies that the provider answers this request"),
            secret("browser_hash", "verifies that the answer comes to the same browser"),
            secret("sealed", "what the sign-in needs until it ends, encrypted"),
            operational("return_to", "page to which the browser returns"),
            secret("code_hash", "verifies the code of the last step"),
            personal("created_at", "time at which it began"),
            operational("expires_at", "end of an unfinished sign-in"),
            operational("consumed_at", "time of the answer; it counts once"),
            operational("exchanged_at", "time of the last step; it is done once"),
        ],
    },
    Table {
        name: "members",
        whose: Some("user_id = $1"),
        names: None,
        retention: Retention::Organization,
        erasure: Erasure::Delete,
        columns: &[
            id("organization_id", "organization of the member"),
            id("user_id", "user who is the member"),
            personal("role", "what the member may do"),
            personal("created_at", "time of joining"),
            operational("updated_at", "time of the last change of the role"),
            operational("version", "detects concurrent changes"),
        ],
    },
    Table {
        name: "invitations",
        whose: Some("lower(email) = lower($2)"),
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "identifies the invitation"),
            id("organization_id", "organization to join"),
            personal("email", "address to which it was mailed")
                .erased("'deleted-' || id || '@deleted.invalid'"),
            personal("role", "role in the organization"),
            secret("token_hash", "verifies the token in the mail"),
            id("invited_by", "user who sent the invitation"),
            id("invited_by_key", "API key that sent the invitation"),
            operational("status", "state of the invitation")
                .erased("CASE WHEN status = 'pending' THEN 'revoked' ELSE status END"),
            personal("created_at", "time of the invitation"),
            operational("updated_at", "time of the last change"),
            operational("expires_at", "end of an unanswered invitation"),
            operational("version", "detects concurrent changes"),
        ],
    },
    Table {
        name: "api_keys",
        whose: Some("created_by = $1"),
        names: None,
        retention: Retention::Organization,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "identifies the key"),
            id("organization_id", "organization that owns the key"),
            operational("name", "name of the key"),
            operational("scopes", "what the key may do"),
            secret("secret_hash", "verifies the current secret"),
            secret("previous_secret_hash", "verifies the previous secret"),
            operational("previous_expires_at", "end of the previous secret"),
            id("created_by", "user who created the key").erased("NULL"),
            personal("created_at", "time of creation"),
            operational("updated_at", "time of the last change"),
            operational("expires_at", "end of the key"),
            operational("last_used_at", "shows keys that are not used"),
            operational("revoked_at", "time of revocation"),
            operational("rate_limit", "requests that the key may make"),
            operational("version", "detects concurrent changes"),
        ],
    },
    artifacts::LABELS,
    artifacts::ARTIFACTS,
    artifacts::ARTIFACT_LABELS,
    artifacts::CHUNKS,
    artifacts::CHUNK_VECTORS,
    artifacts::EMBEDDING_SPACES,
    artifacts::ORGANIZATION_TOTALS,
    artifacts::OBJECT_DELETIONS,
    artifacts::TOKEN_BUDGETS,
    artifacts::TOKEN_RESERVATIONS,
    artifacts::USAGE_DAYS,
    // Before `messages`: all code locks a conversation before its messages.
    chat::CONVERSATIONS,
    chat::MESSAGES,
    chat::MESSAGE_SOURCES,
    Table {
        name: "mail_suppressions",
        whose: Some("address = lower($2)"),
        names: None,
        retention: Retention::Year,
        erasure: Erasure::Delete,
        columns: &[
            personal("address", "address to which no mail is sent"),
            personal("reason", "why no mail is sent: a bounce or a complaint"),
            personal("since", "time of the bounce or the complaint"),
            operational("lifted_at", "time since which mail is sent again"),
        ],
    },
    Table {
        name: "audit_events",
        whose: Some("actor_id = $1 OR target_id = $1"),
        names: None,
        retention: Retention::Year,
        erasure: Erasure::Keep,
        columns: &[
            id("id", "identifies the event"),
            personal("occurred_at", "time of the event"),
            personal("action", "what was done"),
            personal("outcome", "whether it was allowed"),
            // What identifies someone else is not shown to the user: `AuditEvent::shown_to`.
            id("actor_id", "user who did it"),
            id("session_id", "session in which it was done"),
            id("api_key_id", "API key that did it"),
            id("organization_id", "organization in which it was done"),
            id("target_id", "what was changed"),
            // No text of a person: an event is kept after erasure.
            personal(
                "changes",
                "changed fields: roles, scopes and states with their values, others only by name",
            ),
            personal("ip_address", "source address of the request"),
            operational("request_id", "finds the log lines of the request"),
        ],
    },
    Table {
        name: "idempotency_records",
        // Stored for 24 hours, under a hash, encrypted.
        whose: None,
        names: None,
        retention: Retention::Usable,
        erasure: Erasure::Keep,
        columns: &[
            operational("key_hash", "finds a repeated request"),
            secret("sealed", "first response to the request"),
            operational("expires_at", "end of the record"),
        ],
    },
    Table {
        name: "users",
        whose: Some("id = $1"),
        names: None,
        retention: Retention::Account,
        erasure: Erasure::Overwrite,
        columns: &[
            id("id", "identifies the account"),
            personal("name", "name that other users see").erased("'Deleted user'"),
            personal("email", "address for sign-in and mail")
                .erased("'deleted-' || id || '@deleted.invalid'"),
            personal("email_verified_at", "time at which the address was verified").erased("NULL"),
            personal("image", "picture that other users see").erased("NULL"),
            personal("phone", "phone number of the user").erased("NULL"),
            secret("password_hash", "verifies the password").erased("NULL"),
            operational("password_proved", "whether a person who had proved the address set the password")
                .erased("false"),
            personal("created_at", "time of registration"),
            operational("updated_at", "time of the last change").erased("$3"),
            operational("deleted_at", "time of deletion").erased("coalesce(deleted_at, $3)"),
            operational("version", "detects concurrent changes").erased("version + 1"),
            operational("system_administrator", "whether the user is a system administrator").erased("false"),
            personal("suspended_at", "time of the suspension"),
            personal("suspended_reason", "reason of the suspension")
                .erased("CASE WHEN suspended_at IS NULL THEN NULL ELSE 'erased' END"),
            personal("legal_hold_at", "time at which erasure was forbidden"),
            // Not exported: knowing the reason could defeat the purpose of the hold.
            personal("legal_hold_reason", "reason why erasure is forbidden").exported("NULL"),
            operational("erased_at", "time at which the personal columns were overwritten").erased("$3"),
            operational("restored_at", "time of the last restore or recovery by an administrator"),
            operational("devices_forgotten_at", "devices that signed in before are unknown"),
            personal("second_factor_at", "time since which a sign-in needs a second factor").erased("NULL"),
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
                // What an artifact is belongs to its organization.
                let says_who = column.class == Class::Personal
                    && !kept.contains(&column.name)
                    && !(table.name == "artifacts" && column.name != "created_by");
                assert!(!says_who || column.erased.is_some(), "{}.{} stays", table.name, column.name);
            }
        }
    }
}
