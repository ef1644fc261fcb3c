//! The register of personal data. For every column of every table it says what the column is for, how long its rows stay, and what an
//! export or an erasure does with it (GDPR, articles 15, 17, 20 and 30).
//!
//! Export and erasure use only this register. A test compares it with the database, so a new column must be added here. In its SQL
//! expressions `$1` is the user's id and `$3` the time. `$2` is the user's address, if it is proved and no other user has it now;
//! otherwise null, which equals nothing.
//! proved and nobody else's by now (otherwise null, which equals nothing), `$3` the time.

mod register;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use register::TABLES;

/// The kind of data in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Identifies a person, or describes one.
    Personal,
    /// Connects rows. It describes nobody once the row that it names is erased.
    Identifier,
    /// A password hash, token hash or encrypted value. It is never shown, not even to its owner.
    Secret,
    /// Describes the service, not a person. It is not exported.
    Operational,
}

text_enum!(
    /// The time for which rows are kept.
    Retention {
        /// As long as the account. Personal columns are overwritten 30 days after the account was deleted.
        Account = "account",
        /// As long as the organization.
        Organization = "organization",
        /// 90 days after the row ended.
        NinetyDays = "90 days after the end",
        /// Until the row expires, used or not.
        Usable = "while usable",
        /// One year, also after an erasure: the log proves what was done to accounts, for the defence of legal claims (GDPR, article
        /// 17(3)(e)).
        Year = "1 year",
    }
);

impl Retention {
    /// Returns the time after the end of a row at which `retention` deletes it or overwrites its personal columns. `None` if the row goes
    /// together with another one.
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

/// The effect of an erasure on the person's rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Deletes them.
    Delete,
    /// Overwrites the columns that have an expression for it.
    Overwrite,
    /// Keeps them, for the reason that [`Retention`] gives.
    Keep,
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub class: Class,
    /// The purpose of the column. An export shows it.
    pub purpose: &'static str,
    /// The SQL expression that replaces the value in an erasure.
    pub erased: Option<&'static str>,
    /// The SQL expression that replaces the value in an export.
    pub exported: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    /// An SQL condition for the rows of a person; `None` if no row belongs to a person.
    pub whose: Option<&'static str>,
    /// An SQL condition for rows of others that contain the person's data: an erasure overwrites them, an export does not show them.
    pub names: Option<&'static str>,
    pub retention: Retention,
    pub erasure: Erasure,
    pub columns: &'static [Column],
}

/// The rows of one table.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExportedRecords)]
pub struct Records {
    /// The name of the table.
    #[schema(example = "sessions", max_length = 63)]
    pub table: &'static str,
    /// The purpose of each member of a row.
    #[schema(value_type = HashMap<String, String>, max_length = 128)]
    pub purposes: BTreeMap<String, &'static str>,
    /// The time for which rows are kept.
    pub retention: Retention,
    /// The rows, as objects.
    // Lambda returns at most 6 MB, and a row has at least an id.
    #[schema(value_type = Vec<Object>, max_items = 150_000)]
    pub rows: Value,
}
