//! What language models cost.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use crate::config::Price;

text_enum!(
    /// What a language model was used for.
    UsageKind {
        /// Vectors of the chunks of an artifact.
        Embedding = "embedding",
        /// The vector of a search.
        Query = "query",
        Chat = "chat",
    }
);

/// What a call of a language model used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage<'a> {
    pub kind: UsageKind,
    pub model: &'a str,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub price: Price,
}

impl Usage<'_> {
    /// Returns the tokens that count for the budget.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        column(self.prompt_tokens.saturating_add(self.completion_tokens))
    }
}

/// Returns `count` for a column of type `bigint`.
#[must_use]
pub fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns the first day of the month of `now`, in UTC: the month of a budget.
#[must_use]
pub fn month(now: DateTime<Utc>) -> NaiveDate {
    let day = now.date_naive();
    day.with_day(1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_in_utc() {
        for (now, first) in [
            ("2026-01-31T23:59:59Z", "2026-01-01"),
            ("2026-02-01T00:00:00Z", "2026-02-01"),
            ("2026-02-01T00:30:00+01:00", "2026-01-01"),
        ] {
            let now: DateTime<Utc> = now.parse().expect("a time");
            assert_eq!(month(now).to_string(), first);
        }
    }
}
