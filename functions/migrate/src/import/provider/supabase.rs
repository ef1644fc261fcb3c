//! Supabase: the rows of its table `auth.users`, as CSV or JSON.

use chrono::{DateTime, Utc};

use super::{Candidate, Found, hash, is_true, object, text};
use crate::import::{records::Fields, report::Skip};

pub fn read(fields: &Fields, now: DateTime<Utc>) -> Found {
    if text(fields, "deleted_at").is_some() || is_true(fields, "is_anonymous") {
        return Found::Skipped(Skip::NotActive);
    }
    let profile = object(fields, "raw_user_meta_data").unwrap_or_default();
    // Old tables have only `confirmed_at`. Beside `email_confirmed_at`, a confirmed phone sets it too.
    let column = ["email_confirmed_at", "confirmed_at"].into_iter().find(|name| fields.contains_key(*name));
    Found::User(Box::new(Candidate {
        id: text(fields, "id"),
        email: text(fields, "email"),
        is_verified: column.is_some_and(|name| text(fields, name).is_some()),
        names: ["full_name", "name", "display_name", "user_name"].map(|name| text(&profile, name)).into(),
        image: text(&profile, "avatar_url").or_else(|| text(&profile, "picture")),
        phone: text(fields, "phone").map(|phone| format!("+{}", phone.trim_start_matches('+'))),
        hash: hash(text(fields, "encrypted_password")),
        is_blocked: text(fields, "banned_until").is_some_and(|until| is_later(&until, now)),
    }))
}

/// Checks whether a time is later than `now`. So is one that cannot be read, such as `infinity`.
fn is_later(time: &str, now: DateTime<Utc>) -> bool {
    let time = time.replacen(' ', "T", 1);
    // PostgreSQL writes the offset from UTC without minutes.
    let parsed = [time.clone(), format!("{time}:00"), format!("{time}Z")]
        .into_iter()
        .find_map(|time| DateTime::parse_from_rfc3339(&time).ok());
    parsed.is_none_or(|time| time > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ban_lasts_until_its_end() {
        let now = "2026-01-02T03:04:05Z".parse().expect("a time");
        for past in [
            "2026-01-02 03:04:04.123+00",
            "2026-01-02T03:04:04Z",
            "2025-12-31 00:00:00",
            "2026-01-02 04:04:04+01",
        ] {
            assert!(!is_later(past, now), "{past}");
        }
        for later in ["2026-01-02 03:04:06+00", "2126-01-01T00:00:00+00:00", "infinity", "unknown"] {
            assert!(is_later(later, now), "{later}");
        }
    }
}
