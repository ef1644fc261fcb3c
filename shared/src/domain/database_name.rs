//! Names of databases and roles.

use std::{fmt, ops::RangeInclusive};

/// The maximum length of a name. PostgreSQL cuts a longer one without an error (PostgreSQL manual, 4.1.1).
pub const MAX_NAME_BYTES: usize = 63;
/// Begins the names of databases that are restored into and not checked yet. A drill deletes abandoned ones.
pub const SCRATCH_PREFIX: &str = "arches_drill_";

const FIRST: &[RangeInclusive<char>] = &['a'..='z', '_'..='_'];
const OTHERS: &[RangeInclusive<char>] = &['a'..='z', '0'..='9', '_'..='_'];
/// Databases of PostgreSQL and of RDS.
const RESERVED: [&str; 4] = ["postgres", "template0", "template1", "rdsadmin"];

/// The name of the database that a deployment uses. It needs no quotes in SQL and no encoding in a URL.
///
/// The parameter `DatabaseName` of the template has the same rule: a test compares it with [`DatabaseName::pattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseName(String);

impl DatabaseName {
    /// Parses a name. The error is a whole sentence.
    pub fn parse(name: &str) -> Result<Self, String> {
        let mut characters = name.chars();
        let good = characters.next().is_some_and(|first| is_in(FIRST, first))
            && characters.all(|other| is_in(OTHERS, other))
            && name.len() <= MAX_NAME_BYTES
            && !RESERVED.contains(&name)
            && !name.starts_with(SCRATCH_PREFIX);
        if !good {
            return Err(format!(
                "{name:?} cannot be the name of a database: it must match {} (a-z, 0-9 and _, at most {MAX_NAME_BYTES} bytes)",
                Self::pattern()
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns the rule as a regular expression that a whole name matches.
    #[must_use]
    pub fn pattern() -> String {
        let (first, others, most) = (class(FIRST), class(OTHERS), MAX_NAME_BYTES - 1);
        format!("(?!({})$|{SCRATCH_PREFIX})[{first}][{others}]{{0,{most}}}", RESERVED.join("|"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_in(ranges: &[RangeInclusive<char>], character: char) -> bool {
    ranges.iter().any(|range| range.contains(&character))
}

/// Returns the content of a character class.
fn class(ranges: &[RangeInclusive<char>]) -> String {
    let written = ranges.iter().map(|range| match (range.start(), range.end()) {
        (start, end) if start == end => start.to_string(),
        (start, end) => format!("{start}-{end}"),
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_database_needs_no_quotes_and_is_not_cut() {
        let longest = "a".repeat(63);
        for good in ["a", "_", "arches", "arches_restored", "arches_2026_01_02", "postgres_2", &longest] {
            assert_eq!(DatabaseName::parse(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "2026",
            "arches-restored",
            "Arches",
            "arches restored",
            "arches\"",
            "arches/x",
            "archés",
            "arches\n",
            "postgres",
            "template1",
            "rdsadmin",
            "arches_drill_1",
            &long,
        ] {
            assert!(DatabaseName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rule_for_names_can_be_written_in_a_template() {
        assert_eq!(
            DatabaseName::pattern(),
            "(?!(postgres|template0|template1|rdsadmin)$|arches_drill_)[a-z_][a-z0-9_]{0,62}"
        );
    }
}
