//! The contents of a database, for the comparison of a copy with its source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The contents of a database that can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contents {
    pub migration: Option<i64>,
    /// The number of rows of each table.
    pub tables: BTreeMap<String, i64>,
    /// The last value of each sequence. A sequence may continue during the dump, so a copy may have a larger value, never a smaller one.
    pub sequences: BTreeMap<String, i64>,
    /// The version of each extension.
    pub extensions: BTreeMap<String, String>,
    /// The roles that grants and policies name. They belong to the server, so a dump does not contain them.
    pub roles: Vec<String>,
}

impl Contents {
    /// Returns the number of rows of all tables.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.tables.values().sum()
    }

    /// Lists the differences of `copy`; empty if it has the same contents.
    #[must_use]
    pub fn missing_in(&self, copy: &Self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.migration != copy.migration {
            missing.push(format!("migration {:?} instead of {:?}", copy.migration, self.migration));
        }
        for (table, rows) in &self.tables {
            if copy.tables.get(table) != Some(rows) {
                missing.push(format!("{table} has {} rows instead of {rows}", shown(copy.tables.get(table))));
            }
        }
        for table in copy.tables.keys().filter(|table| !self.tables.contains_key(*table)) {
            missing.push(format!("the table {table} is not in the backup"));
        }
        for (sequence, last) in &self.sequences {
            if copy.sequences.get(sequence).is_none_or(|copied| copied < last) {
                let copied = shown(copy.sequences.get(sequence));
                missing.push(format!("{sequence} is at {copied} instead of {last}"));
            }
        }
        // A newer server may bring a newer version.
        for extension in self.extensions.keys().filter(|name| !copy.extensions.contains_key(*name)) {
            missing.push(format!("the extension {extension} is missing"));
        }
        missing
    }
}

fn shown(number: Option<&i64>) -> String {
    number.map_or_else(|| "no".to_owned(), i64::to_string)
}
