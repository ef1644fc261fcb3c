//! Key rotation rules. Pure: no I/O.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

/// A pending version that is older may not become current.
const MAX_PENDING_AGE: TimeDelta = TimeDelta::minutes(30);
/// How long an instance may use keys from before the latest rotation. A version becomes current up to [`MAX_PENDING_AGE`] after it
/// was made. An instance that read the secret just before caches it for five minutes, or longer while Secrets Manager is unavailable.
pub const PROPAGATION_TIME: TimeDelta = TimeDelta::hours(1);

/// A key with its dates.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Appears in logs, and in everything that is made with the key.
    pub id: String,
    /// In the form that its secret has.
    pub key: SecretString,
    /// When it was published as the next key. `None` if it never was.
    pub published_at: Option<DateTime<Utc>>,
    /// When it stopped being the current key. `None` for the current and the next key, and for a previous one without a date.
    pub retired_at: Option<DateTime<Utc>>,
}

impl Entry {
    fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.key.expose_secret() == other.key.expose_secret()
    }

    /// Returns whether everything made with it has expired.
    fn is_expired(&self, now: DateTime<Utc>, retention: TimeDelta) -> bool {
        self.retired_at.is_some_and(|retired| retired + retention <= now)
    }
}

/// All keys of a kind.
#[derive(Debug, Clone)]
pub struct KeyGenerations {
    /// Signs or encrypts.
    pub current: Entry,
    /// Published. The next rotation makes it the current key.
    pub next: Option<Entry>,
    /// Former current keys. What they made may still be valid.
    pub previous: Vec<Entry>,
}

impl KeyGenerations {
    /// Rotates: the next key becomes current, `new` becomes next, and previous keys that have expired are removed.
    ///
    /// Without a next key, it only publishes `new` as the next key.
    pub fn rotate(self, new: Entry, now: DateTime<Utc>, retention: TimeDelta) -> anyhow::Result<Self> {
        let new = Entry { published_at: Some(now), ..new };
        let (current, retired) = match self.next {
            None => (self.current, None),
            Some(next) => {
                let usable_at = next.published_at.map(|published| published + PROPAGATION_TIME);
                if let Some(usable) = usable_at.filter(|usable| now < *usable) {
                    anyhow::bail!("the next key is not known everywhere before {usable}; nothing is changed");
                }
                (next, Some(Entry { retired_at: Some(now), ..self.current }))
            }
        };
        let older = self.previous.into_iter().map(|key| {
            // Without a date, it may have been retired just now.
            Entry { retired_at: key.retired_at.or(Some(now)), ..key }
        });
        let previous =
            retired.into_iter().chain(older).filter(|key| !key.is_expired(now, retention)).collect();
        Ok(Self { current, next: Some(new), previous })
    }

    /// Iterates over the current, the previous and the next keys.
    pub fn keys(&self) -> impl Iterator<Item = &Entry> {
        [&self.current].into_iter().chain(&self.previous).chain(&self.next)
    }

    /// Checks that one rotation of `before` made these keys, and not too long ago.
    pub fn require_successor_of(
        &self,
        before: &Self,
        now: DateTime<Utc>,
        retention: TimeDelta,
    ) -> anyhow::Result<()> {
        let made = self.next.as_ref().and_then(|next| next.published_at);
        anyhow::ensure!(
            made.is_some_and(|made| now < made + MAX_PENDING_AGE),
            "this version was made too long ago to become current"
        );
        let expected = before.next.as_ref().unwrap_or(&before.current);
        anyhow::ensure!(
            self.current.is(expected),
            "this version's current key is not the next key of the current version"
        );
        let has = |generations: &Self, key: &Entry| generations.keys().any(|other| other.is(key));
        for key in before.keys().filter(|key| !has(self, key)) {
            anyhow::ensure!(
                key.is_expired(now, retention),
                "this version lacks the key {}, which is still needed",
                key.id
            );
        }
        for key in &self.previous {
            anyhow::ensure!(has(before, key), "this version has the key {}, which was removed", key.id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETENTION: TimeDelta = TimeDelta::hours(25);

    fn entry(id: &str) -> Entry {
        Entry { id: id.to_owned(), key: id.to_owned().into(), published_at: None, retired_at: None }
    }

    fn ids(generations: &KeyGenerations) -> Vec<&str> {
        generations.keys().map(|key| key.id.as_str()).collect()
    }

    fn start() -> DateTime<Utc> {
        "2026-01-02T03:04:05Z".parse().expect("a time")
    }

    #[test]
    fn key_is_next_then_current_then_previous_then_removed() {
        let generations = KeyGenerations { current: entry("a"), next: None, previous: Vec::new() };
        let month = TimeDelta::days(30);
        let generations = generations.rotate(entry("b"), start(), RETENTION).expect("published");
        assert_eq!(ids(&generations), ["a", "b"]);
        let generations = generations.rotate(entry("c"), start() + month, RETENTION).expect("used");
        assert_eq!(ids(&generations), ["b", "a", "c"]);
        let generations = generations.rotate(entry("d"), start() + month * 2, RETENTION).expect("used");
        assert_eq!(ids(&generations), ["c", "b", "d"]);
    }

    #[test]
    fn frequent_rotations_remove_no_key_too_early() {
        let (mut generations, mut now) =
            (KeyGenerations { current: entry("0"), next: Some(entry("1")), previous: Vec::new() }, start());
        for n in 2..100 {
            let made_now = generations.current.id.clone();
            now += PROPAGATION_TIME;
            generations = generations.rotate(entry(&n.to_string()), now, RETENTION).expect("an hour apart");
            assert!(ids(&generations).contains(&made_now.as_str()));
            // 25 hours: the keys that were retired in the last 25, the current and the next one.
            assert!(ids(&generations).len() <= 27, "{:?}", ids(&generations));
        }
    }

    #[test]
    fn newly_published_key_is_not_used() {
        let generations =
            KeyGenerations { current: entry("a"), next: Some(entry("b")), previous: Vec::new() };
        let generations = generations.rotate(entry("c"), start(), RETENTION).expect("b has no date");
        let soon = start() + PROPAGATION_TIME - TimeDelta::microseconds(1);
        assert!(generations.clone().rotate(entry("d"), soon, RETENTION).is_err());
        assert!(generations.rotate(entry("d"), start() + PROPAGATION_TIME, RETENTION).is_ok());
    }

    #[test]
    fn previous_key_without_a_date_is_kept_for_a_whole_retention() {
        let generations =
            KeyGenerations { current: entry("b"), next: Some(entry("c")), previous: vec![entry("a")] };
        let generations = generations.rotate(entry("d"), start(), RETENTION).expect("rotated");
        assert_eq!(ids(&generations), ["c", "b", "a", "d"]);
        let generations = generations.rotate(entry("e"), start() + RETENTION, RETENTION).expect("rotated");
        assert_eq!(ids(&generations), ["d", "c", "e"]);
    }

    #[test]
    fn version_that_no_rotation_made_is_refused() {
        let before =
            KeyGenerations { current: entry("a"), next: Some(entry("b")), previous: vec![entry("z")] };
        let after = before.clone().rotate(entry("c"), start(), RETENTION).expect("rotated");
        let refused = |after: &KeyGenerations, before: &KeyGenerations, now| {
            after.require_successor_of(before, now, RETENTION).is_err()
        };
        assert!(!refused(&after, &before, start()));
        assert!(refused(&after, &before, start() + MAX_PENDING_AGE), "too late");
        assert!(
            refused(&after, &KeyGenerations { next: Some(entry("x")), ..before.clone() }, start()),
            "another next key"
        );
        assert!(
            refused(&after, &KeyGenerations { previous: Vec::new(), ..before.clone() }, start()),
            "z was removed"
        );
        assert!(
            refused(&KeyGenerations { previous: Vec::new(), ..after.clone() }, &before, start()),
            "a is needed"
        );
        let mut forged = after;
        forged.current.key = "other".to_owned().into();
        assert!(refused(&forged, &before, start()), "another key of the same id");
    }
}
