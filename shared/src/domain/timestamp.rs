//! A time, or a day, as input.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

/// A time (RFC 3339) in the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(as = Moment, value_type = DateTime<Utc>, example = "2100-01-01T00:00:00Z")]
pub struct Timestamp(pub DateTime<Utc>);

impl TryFrom<String> for Timestamp {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let time = DateTime::parse_from_rfc3339(&raw).ok().map(|time| time.to_utc());
        // The database cannot represent all times that the parser accepts.
        time.filter(|time| (1..=9999).contains(&time.year()))
            .map(Self)
            .ok_or("this must be an RFC 3339 date-time such as 2026-11-24T00:00:00Z, in the years 1 to 9999")
    }
}

/// A day (RFC 3339, `full-date`) in the years 1 to 9999, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = NaiveDate, example = "2026-11-24")]
pub struct Day(pub NaiveDate);

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let day: Option<NaiveDate> = raw.parse().ok();
        // The parser accepts days without leading zeros, and years that the database cannot represent.
        day.filter(|day| (1..=9999).contains(&day.year()) && day.to_string() == raw)
            .map(Self)
            .ok_or("this must be a day such as 2026-11-24, in the years 1 to 9999")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_spelling() {
        for (text, valid) in [
            ("0001-01-01", true),
            ("9999-12-31", true),
            ("2028-02-29", true),
            ("2026-02-29", false),
            ("0000-12-31", false),
            ("+10000-01-01", false),
            ("2026-1-2", false),
            ("26-01-02", false),
            (" 2026-01-02", false),
            ("2026-01-02T00:00:00Z", false),
        ] {
            let day = serde_json::from_value::<Day>(text.into());
            assert_eq!(day.is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_and_one_that_the_database_can_hold() {
        for (text, valid) in [
            ("0001-01-01T00:00:00Z", true),
            ("9999-12-31T23:59:59Z", true),
            ("9999-12-31T23:59:59-01:00", false),
            ("+262142-12-31T23:59:59Z", false),
            ("-262143-01-01T00:00:00Z", false),
            ("0000-12-31T23:59:59Z", false),
            ("2026-11-24T01:00:00+01:00", true),
            ("2026-11-24", false),
            ("2026-11-24T00:00:00", false),
            ("2026-11-24T00:00Z", false),
            ("2026-11-24T00:00:00 01:00", false),
            (" 2026-11-24T00:00:00Z", false),
            ("1764000000", false),
        ] {
            let time = serde_json::from_value::<Timestamp>(text.into());
            assert_eq!(time.is_ok(), valid, "{text}");
        }
    }
}
