//! The content of a database, as far as it can be compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a database holds, as far as it can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contents {
    /// The newest migration applied.
    pub migration: Option<i64>,
    /// The rows of every table.
    pub tables: BTreeMap<String, i64>,
    /// Where every sequence is. One may go on while a dump is made, so a copy may be ahead, never behind.
    pub sequences: BTreeMap<String, i64>,
    /// Every extension's version.
    pub extensions: BTreeMap<String, String>,
    /// Who was granted something: roles belong to a server, not to a database, so no dump has them.
    pub roles: Vec<String>,
}

impl Contents {
    /// Every row of every table.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.tables.values().sum()
    }

    /// What is not in `copy` as it is here; empty if `copy` is one.
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
            missing.push(format!("{table} should not be there"));
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
