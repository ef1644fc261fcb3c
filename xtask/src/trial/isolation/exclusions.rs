//! Conditions that the trial does not take away, each with its reason. An exclusion that fits no statement is an error.

/// A condition that no test needs to notice.
pub struct Exclusion {
    /// A part of the statement, with single spaces.
    pub statement: &'static str,
    pub predicate: &'static str,
    #[expect(dead_code, reason = "for the reader")]
    pub reason: &'static str,
}

pub const EXCLUSIONS: &[Exclusion] = &[];
