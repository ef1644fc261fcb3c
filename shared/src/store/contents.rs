//! A summary of the content of a database, to compare a restored copy with the original.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A summary of the content of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contents {
    /// The newest applied migration.
    pub migration: Option<i64>,
    /// The number of rows of each table.
    pub tables: BTreeMap<String, i64>,
    /// The last value of each sequence. A sequence may advance during the dump, so a copy may be ahead but not behind.
    pub sequences: BTreeMap<String, i64>,
    /// The version of each extension.
    pub extensions: BTreeMap<String, String>,
    /// The roles with grants. Roles belong to a server, not to a database, so a dump does not contain them.
    pub roles: Vec<String>,
    /// The comment on each object that has one.
    pub comments: BTreeMap<String, String>,
}

impl Contents {
    /// Returns the number of rows of all tables.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.tables.values().sum()
    }

    /// Returns the differences of `copy`; empty if it has the same content.
    #[must_use]
    pub fn missing_in(&self, copy: &Self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.migration != copy.migration {
            missing.push(format!("migration {:?} instead of {:?}", copy.migration, self.migration));
        }
        for (table, rows) in &self.tables {
            if copy.tables.get(table) != Some(rows) {
                missing.push(format!("{table} has {} rows instead of {rows}", show(copy.tables.get(table))));
            }
        }
        for table in copy.tables.keys().filter(|table| !self.tables.contains_key(*table)) {
            missing.push(format!("{table} should not be there"));
        }
        for (sequence, last) in &self.sequences {
            if copy.sequences.get(sequence).is_none_or(|copied| copied < last) {
                let copied = show(copy.sequences.get(sequence));
                missing.push(format!("{sequence} is at {copied} instead of {last}"));
            }
        }
        // A newer server may have a newer version of an extension.
        for extension in self.extensions.keys().filter(|name| !copy.extensions.contains_key(*name)) {
            missing.push(format!("the extension {extension} is missing"));
        }
        for object in
            self.comments.keys().filter(|object| self.comments.get(*object) != copy.comments.get(*object))
        {
            missing.push(format!("the comment on {object} is missing"));
        }
        missing
    }
}

fn show(number: Option<&i64>) -> String {
    number.map_or_else(|| "no".to_owned(), i64::to_string)
}
