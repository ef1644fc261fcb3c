//! What language models cost.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};

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
    /// Whether the tokens of an answer are estimated: the model did not report them.
    pub estimated: bool,
}

impl Usage<'_> {
    /// Returns the tokens that count for the budget.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        column(self.prompt_tokens.saturating_add(self.completion_tokens))
    }
}

/// Returns an estimate of the tokens of a text with so many bytes. Usual text has 4 bytes or more for each token. Emoji, digits and the scripts of
/// Asia can have fewer, with small models down to one: no estimate is an upper bound.
#[must_use]
pub fn estimate(bytes: usize) -> u64 {
    bytes.div_ceil(3) as u64
}

/// Returns `count` for a column of type `bigint`.
#[must_use]
pub fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns the count of a column of type `bigint` that is never negative.
#[must_use]
pub fn from_column(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Returns the first day of the month of `now`, in UTC: the month of a budget.
#[must_use]
pub fn month(now: DateTime<Utc>) -> NaiveDate {
    let day = now.date_naive();
    day.with_day(1).unwrap_or(day)
}

/// Returns the last day of the month that begins on the day `first`.
#[must_use]
pub fn last_day(first: NaiveDate) -> NaiveDate {
    first + Months::new(1) - Days::new(1)
}

/// Returns the time at which the next budget begins.
#[must_use]
pub fn next_month(now: DateTime<Utc>) -> DateTime<Utc> {
    (month(now) + Months::new(1)).and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_begins_again_with_the_month() {
        for (now, next) in [
            ("2026-01-31T23:00:00Z", "2026-02-01T00:00:00Z"),
            ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            ("2028-02-28T00:00:00Z", "2028-03-01T00:00:00Z"),
            ("2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            let [now, next] = [now, next].map(|time| time.parse::<DateTime<Utc>>().expect("a time"));
            assert_eq!(next_month(now), next, "{now}");
        }
    }

    #[test]
    fn months_have_28_to_31_days() {
        for (first, last) in
            [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28"), ("2028-02-01", "2028-02-29")]
        {
            assert_eq!(last_day(first.parse().expect("a day")).to_string(), last);
        }
    }

    #[test]
    fn tokens_of_a_text_are_rounded_up() {
        assert_eq!([0, 1, 3, 4, 10].map(estimate), [0, 1, 1, 2, 4]);
    }

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
