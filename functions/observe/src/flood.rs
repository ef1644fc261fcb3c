//! Limits how many errors of a kind are sent.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

/// The most errors with one fingerprint in a minute.
const MAX_PER_MINUTE: u32 = 100;

/// Counts errors in the current minute. Each instance counts for itself.
#[derive(Debug, Default)]
pub struct Flood(Mutex<(i64, HashMap<[String; 2], u32>)>);

impl Flood {
    /// Counts one error. Returns whether it may be sent.
    pub fn admit(&self, fingerprint: &[String; 2], now: DateTime<Utc>) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (minute, counts) = &mut *state;
        let current = now.timestamp().div_euclid(60);
        if *minute != current {
            *minute = current;
            counts.clear();
        }
        let count = counts.entry(fingerprint.clone()).or_default();
        *count += 1;
        *count <= MAX_PER_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_own_limit_in_each_minute() {
        let flood = Flood::default();
        let kind = |name: &str| ["target".to_owned(), name.to_owned()];
        let at = |second| DateTime::from_timestamp(second, 0).expect("a time");
        let admitted = |name, second| (0..150).filter(|_| flood.admit(&kind(name), at(second))).count();
        assert_eq!(
            (admitted("a", 60), admitted("b", 119), admitted("a", 119), admitted("a", 120)),
            (100, 100, 0, 100)
        );
    }
}
