//! A time as input.

use chrono::{DateTime, Datelike, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

/// A time (RFC 3339) in the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "DateTime<Utc>")]
#[schema(as = Moment, value_type = DateTime<Utc>, example = "2100-01-01T00:00:00Z")]
pub struct Timestamp(pub DateTime<Utc>);

impl TryFrom<DateTime<Utc>> for Timestamp {
    type Error = &'static str;

    fn try_from(time: DateTime<Utc>) -> Result<Self, Self::Error> {
        // The parser accepts times that the database cannot represent.
        match time.year() {
            1..=9999 => Ok(Self(time)),
            _ => Err("a time must be in the years 1 to 9999"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_the_database_cannot_hold_is_refused() {
        for (text, valid) in [
            ("0001-01-01T00:00:00Z", true),
            ("9999-12-31T23:59:59Z", true),
            ("9999-12-31T23:59:59-01:00", false),
            ("+262142-12-31T23:59:59Z", false),
            ("-262143-01-01T00:00:00Z", false),
            ("0000-12-31T23:59:59Z", false),
        ] {
            let time = serde_json::from_value::<Timestamp>(text.into());
            assert_eq!(time.is_ok(), valid, "{text}");
        }
    }
}
