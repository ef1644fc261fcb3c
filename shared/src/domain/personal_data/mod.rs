//! The register of personal data: every column of every table, with content, purpose, retention, and the effect of export and
//! erasure on it (GDPR, articles 15, 17, 20 and 30).
//!
//! Export and erasure are generated from this register and from nothing else. A test compares it with the database, so a column
//! that is not registered fails the tests. In its SQL `$1` is the user's id, `$2` the user's address if it is verified and no
//! other account has it (otherwise null, which equals nothing), and `$3` the time.

mod register;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use register::TABLES;

/// The kind of content of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Identifies or describes a person.
    Personal,
    /// Connects rows. Identifies nobody once the referenced row is erased.
    Identifier,
    /// Proves something (hashes of passwords, tokens and keys). Never exported.
    Secret,
    /// Describes the service, not a person. Not exported.
    Operational,
}

/// The time after a deletion in which an account or an organization can be restored.
pub const RESTORABLE_PERIOD: TimeDelta = TimeDelta::days(30);

text_enum!(
    /// The time for which rows are kept.
    Retention {
        /// As long as the account. Personal columns are overwritten 30 days after its deletion; if its address was never verified,
        /// 30 days after its registration.
        Account = "account",
        /// As long as the account, or until the user removes it.
        AccountPart = "as long as the account, or until it is removed",
        /// As long as the organization.
        Organization = "organization",
        /// Until the object in storage is deleted.
        Object = "until the object is deleted",
        /// Until 30 days after the deletion.
        Restorable = "30 days after the deletion",
        /// For a time after the last message of the conversation that the operator sets (`CHAT_RETENTION`).
        Conversation = "365 days after the last message, unless the operator sets another time",
        /// As long as the conversation to which they belong.
        ConversationPart = "as long as the conversation",
        /// For 90 days after their end.
        NinetyDays = "90 days after the end",
        /// Until they expire, used or not.
        Usable = "while usable",
        /// For a year. Audit events also after erasure: evidence of changes to accounts is kept for the defence of legal claims
        /// (GDPR, article 17(3)(e)).
        Year = "1 year",
    }
);

impl Retention {
    /// Returns how long after their end the job `retention` deletes rows or overwrites their personal columns. `None` if rows are
    /// deleted together with something else.
    #[must_use]
    pub const fn period(self) -> Option<TimeDelta> {
        match self {
            Self::Account | Self::Restorable => Some(RESTORABLE_PERIOD),
            Self::AccountPart | Self::Organization | Self::Object | Self::ConversationPart => None,
            Self::NinetyDays => Some(TimeDelta::days(90)),
            Self::Usable => Some(TimeDelta::zero()),
            // The default of `CHAT_RETENTION`.
            Self::Conversation | Self::Year => Some(TimeDelta::days(365)),
        }
    }
}

/// The effect of erasure on a user's rows in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Deletes them.
    Delete,
    /// Overwrites the columns with [`Column::erased`].
    Overwrite,
    /// Keeps them, for the reason that [`Retention`] gives.
    Keep,
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub class: Class,
    /// Shown in exports.
    pub purpose: &'static str,
    /// The SQL expression for the new value of the column at erasure.
    pub erased: Option<&'static str>,
    /// The SQL expression that an export shows instead of the column.
    pub exported: Option<&'static str>,
}

impl Column {
    /// Returns the name of the member in an exported row.
    #[must_use]
    pub fn member(&self) -> String {
        let mut words = self.name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| {
            let (head, tail) = word.split_at(1);
            name + &head.to_uppercase() + tail
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    /// The SQL condition for the rows of a user, which are exported and erased; `None` if no row belongs to a user.
    pub whose: Option<&'static str>,
    /// The SQL condition for rows that contain the user's address but belong to someone else. Overwritten, not exported.
    pub names: Option<&'static str>,
    pub retention: Retention,
    pub erasure: Erasure,
    pub columns: &'static [Column],
}

/// The largest size of an export in bytes, as JSON text.
///
/// AWS Lambda takes 6,291,556 bytes as a response. It gets the text as a JSON string, in which each byte becomes at most two.
pub const EXPORT_BYTES: usize = 2_000_000;
/// The most rows of one table in an export. A row has at least 100 bytes, so more would not fit.
pub const EXPORT_ROWS: usize = EXPORT_TABLE_BYTES / 100;
/// The share of each table in an export, in bytes.
pub const EXPORT_TABLE_BYTES: usize = EXPORT_BYTES / exported_tables();

/// Counts the tables with rows of a user.
const fn exported_tables() -> usize {
    let (mut count, mut place) = (0, 0);
    while place < TABLES.len() {
        count += TABLES[place].whose.is_some() as usize;
        place += 1;
    }
    count
}

/// Tables whose rows an export does not contain, and the list that has them, in pages. Other people can add rows to these tables.
const PAGED: &[(&str, &str)] = &[("audit_events", "/v1/auth/me/audit-events")];

impl Table {
    /// Returns the columns that an export shows.
    pub fn exported(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| matches!(column.class, Class::Personal | Class::Identifier))
    }

    /// Returns the purpose of each member of an exported row.
    #[must_use]
    pub fn purposes(&self) -> BTreeMap<String, &'static str> {
        self.exported().map(|column| (column.member(), column.purpose)).collect()
    }

    /// Returns the list that has the rows of a user, if an export does not contain them.
    #[must_use]
    pub fn paged_at(&self) -> Option<&'static str> {
        PAGED.iter().find(|(table, _)| *table == self.name).map(|(_, list)| *list)
    }
}

/// The exported rows of one table.
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
    /// The rows, as objects, newest first.
    #[schema(value_type = Vec<Object>, max_items = 100_000)]
    pub rows: Value,
    /// Whether these are all rows. Otherwise there are too many for one document, and the oldest are left out.
    pub complete: bool,
    /// The list that has the rows of this table in pages. Then `rows` is empty.
    #[schema(max_length = 100, example = "/v1/auth/me/audit-events")]
    pub paged_at: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_paged_table_is_registered() {
        for (name, _) in PAGED {
            assert!(TABLES.iter().any(|table| table.name == *name && table.whose.is_some()), "{name}");
        }
    }
}
