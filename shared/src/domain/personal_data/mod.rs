//! The register of personal data: every column of every table, what it is for, how long it stays, and what a request for a copy
//! or for erasure does with it (GDPR, articles 15, 17, 20 and 30).
//!
//! Export and erasure are made from this register and from nothing else, and a test compares it with the database: a new
//! column is here or the tests fail. In the SQL below `$1` is the user's id, `$2` their address if it is
//! proved and nobody else's by now (otherwise null, which equals nothing), `$3` the time.

mod register;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use register::TABLES;

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

text_enum!(
    /// How long rows stay.
    Retention {
        /// As long as the account; what is personal is overwritten 30 days after it was deleted.
        Account = "account",
        /// As long as the organization.
        Organization = "organization",
        /// Until 90 days after they ended.
        NinetyDays = "90 days after the end",
        /// Until their time to be used is over, whether they were or not.
        Usable = "while usable",
        /// For a year, erasure notwithstanding: proof of what was done to accounts is kept for the defence of legal claims
        /// (GDPR, article 17(3)(e)).
        Year = "1 year",
    }
);

impl Retention {
    /// How long after their end `retention` removes rows, or overwrites what is personal; `None` if they go with something
    /// else.
    #[must_use]
    pub const fn period(self) -> Option<TimeDelta> {
        match self {
            Self::Account => Some(TimeDelta::days(30)),
            Self::Organization => None,
            Self::NinetyDays => Some(TimeDelta::days(90)),
            Self::Usable => Some(TimeDelta::zero()),
            Self::Year => Some(TimeDelta::days(365)),
        }
    }
}

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

/// The rows of one table.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExportedRecords)]
pub struct Records {
    /// The table.
    #[schema(example = "sessions", max_length = 63)]
    pub table: &'static str,
    /// What each member of a row is for.
    #[schema(value_type = HashMap<String, String>, max_length = 128)]
    pub purposes: BTreeMap<String, &'static str>,
    /// How long rows stay.
    pub retention: Retention,
    /// The rows, as objects.
    // Lambda returns at most 6 MB, and a row has at least an id.
    #[schema(value_type = Vec<Object>, max_items = 150_000)]
    pub rows: Value,
}
