//! Conditions that the trial does not take away, each with its reason. An exclusion that fits no statement is an error.

/// A condition that no test needs to notice.
pub struct Exclusion {
    /// A part of the statement, with single spaces.
    pub statement: &'static str,
    pub predicate: &'static str,
    /// Its number in the statement, from 0, if another condition has the same text.
    pub number: Option<usize>,
    #[expect(dead_code, reason = "for the reader")]
    pub reason: &'static str,
}

/// Operations that no test can notice without `Caller`: their transaction locks the user, looks at the session again, and refuses with the same
/// answer.
pub const CHECKED_AGAIN: &[&str] = &[
    "DELETE /v1/auth/totp",
    "POST /v1/auth/passkeys/options",
    "POST /v1/auth/recovery-codes",
    "POST /v1/auth/totp",
];

pub const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        statement: "SET chunks_done = (SELECT count(*) FROM chunk_vectors v",
        predicate: "v.organization_id = $1",
        number: None,
        reason: "The artifact is named beside it, and belongs to one organization: the condition is for the index.",
    },
    Exclusion {
        statement: "UPDATE verification_tokens t SET consumed_at = $3 FROM used",
        predicate: "t.id <> used.id",
        number: None,
        reason: "The first part of the statement sets the same value in that row, and a row is changed once in a statement.",
    },
    Exclusion {
        statement: "SELECT created_at, organization_id = $1 AS here, lower(email) = lower($2) AND created_at > $4 AS same FROM invitations",
        predicate: "organization_id = $1",
        number: Some(2),
        reason: COUNTED_ABOVE,
    },
    Exclusion {
        statement: "SELECT created_at, organization_id = $1 AS here, lower(email) = lower($2) AND created_at > $4 AS same FROM invitations",
        predicate: "lower(email) = lower($2)",
        number: Some(3),
        reason: COUNTED_ABOVE,
    },
    Exclusion {
        statement: "searched AS MATERIALIZED",
        predicate: "a.organization_id = $1",
        number: Some(1),
        reason: "The vectors and chunks that are joined to it, and the artifact in the answer, have the condition too, and each is tried: \
                 here it is for the index.",
    },
    Exclusion {
        statement: "searched AS MATERIALIZED",
        predicate: "c.organization_id = $1",
        number: Some(5),
        reason: "The chunk of the answer has the condition too, at the end: here it is for the index.",
    },
    Exclusion {
        statement: "searched AS MATERIALIZED",
        predicate: "a.organization_id = $1",
        number: Some(7),
        reason: "The chunk beside it has the condition, and belongs to the organization of its artifact.",
    },
    Exclusion {
        statement: "SELECT request_hash = $3 AS \"same!\" FROM messages",
        predicate: "organization_id = $1",
        number: None,
        reason: "The statement before it found this message in the organization.",
    },
    Exclusion {
        statement: "NOT EXISTS ( SELECT 1 FROM members r WHERE r.organization_id = m.organization_id AND r.user_id <> $1)",
        predicate: "m.user_id = $1",
        number: None,
        reason: "An organization in which nobody but the user is a member has no other member `m`: the condition is for the index.",
    },
    Exclusion {
        statement: "INSERT INTO idempotency_records",
        predicate: "key_hash <> $1",
        number: None,
        reason: "PostgreSQL does not delete a row that the same statement has replaced: the condition is for the reader.",
    },
    Exclusion {
        statement: "erased_at IS NOT NULL AS \"is_erased!\" FROM users WHERE id = ANY($1)",
        predicate: "id = ANY($1)",
        number: None,
        reason: FOUND_BY_CALLER,
    },
    Exclusion {
        statement: "bool_and(deleted_at IS NOT NULL) AS \"is_deleted!\" FROM users",
        predicate: "lower(email) = ANY($1)",
        number: None,
        reason: FOUND_BY_CALLER,
    },
];

const FOUND_BY_CALLER: &str = "An import of users looks up its own ids and addresses in the result, and ignores others: the condition is for the index.";

const COUNTED_ABOVE: &str =
    "Each row is counted by `here` and `same`, which say the same: the condition is for the indexes.";
