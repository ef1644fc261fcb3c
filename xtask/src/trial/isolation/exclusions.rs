//! Conditions that the trial does not take away, each with its reason. An exclusion that fits no statement is an error.

/// A condition that no test needs to notice.
pub struct Exclusion {
    /// A part of the statement, with single spaces.
    pub statement: &'static str,
    pub predicate: &'static str,
    #[expect(dead_code, reason = "for the reader")]
    pub reason: &'static str,
}

pub const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        statement: "SET chunks_done = (SELECT count(*) FROM chunk_vectors v",
        predicate: "v.organization_id = $1",
        reason: "The artifact is named beside it, and belongs to one organization: the condition is for the index.",
    },
    Exclusion {
        statement: "UPDATE verification_tokens t SET consumed_at = $3 FROM used",
        predicate: "t.id <> used.id",
        reason: "The first part of the statement sets the same value in that row, and a row is changed once in a statement.",
    },
];
