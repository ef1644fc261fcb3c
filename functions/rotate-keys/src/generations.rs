//! Which keys there are after a rotation. Asks nobody.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

/// How long after it was made a pending version may become current.
const PENDING: TimeDelta = TimeDelta::minutes(30);
/// How far instances may be behind the latest rotation: it became current as late as [`PENDING`] allows, they read what was
/// there just before and use it for five minutes, or longer while Secrets Manager is away.
pub const MARGIN: TimeDelta = TimeDelta::hours(1);

/// A key and what is known about it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Names it in logs and in what is made with it.
    pub id: String,
    /// The key itself, in the form that its secret has.
    pub key: SecretString,
    /// Since when instances may know it; `None` if it has always been there.
    pub published_at: Option<DateTime<Utc>>,
    /// When it made something for the last time; `None` if it still does, or will.
    pub retired_at: Option<DateTime<Utc>>,
}

impl Entry {
    fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.key.expose_secret() == other.key.expose_secret()
    }

    /// Whether nothing made with it can still be valid.
    fn is_over(&self, now: DateTime<Utc>, keep: TimeDelta) -> bool {
        self.retired_at.is_some_and(|retired| retired + keep <= now)
    }
}

/// All keys of a kind.
#[derive(Debug, Clone)]
pub struct KeyGenerations {
    /// Makes.
    pub current: Entry,
    /// Known to all, and the first to make after the next rotation.
    pub next: Option<Entry>,
    /// Those that have made what may still be valid.
    pub previous: Vec<Entry>,
}

impl KeyGenerations {
    /// The keys after this rotation: `next` makes, `fresh` is next, and what nobody can need any more is gone.
    ///
    /// Where there is no next one yet, this rotation publishes one and changes nothing else.
    pub fn rotated(self, fresh: Entry, now: DateTime<Utc>, keep: TimeDelta) -> anyhow::Result<Self> {
        let fresh = Entry { published_at: Some(now), ..fresh };
        let (current, retired) = match self.next {
            None => (self.current, None),
            Some(next) => {
                let known_since = next.published_at.map(|published| published + MARGIN);
                if let Some(usable) = known_since.filter(|usable| now < *usable) {
                    anyhow::bail!("the next key is not known everywhere before {usable}; nothing is changed");
                }
                (next, Some(Entry { retired_at: Some(now), ..self.current }))
            }
        };
        let older = self.previous.into_iter().map(|key| {
            // Nobody noted when that was, so it may have been a moment ago.
            Entry { retired_at: key.retired_at.or(Some(now)), ..key }
        });
        let previous = retired.into_iter().chain(older).filter(|key| !key.is_over(now, keep)).collect();
        Ok(Self { current, next: Some(fresh), previous })
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &Entry> {
        [&self.current].into_iter().chain(&self.previous).chain(&self.next)
    }

    /// Refuses what did not come from `before` by one rotation, or came too long ago.
    pub fn follows(&self, before: &Self, now: DateTime<Utc>, keep: TimeDelta) -> anyhow::Result<()> {
        let made = self.next.as_ref().and_then(|next| next.published_at);
        anyhow::ensure!(
            made.is_some_and(|made| now < made + PENDING),
            "this version was made too long ago to become current"
        );
        let heir = before.next.as_ref().unwrap_or(&before.current);
        anyhow::ensure!(
            self.current.is(heir),
            "this version's current key is not the one that was to follow"
        );
        let has = |ring: &Self, key: &Entry| ring.keys().any(|other| other.is(key));
        for key in before.keys().filter(|key| !has(self, key)) {
            anyhow::ensure!(key.is_over(now, keep), "this version lacks the key {}, which is needed", key.id);
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

    const KEEP: TimeDelta = TimeDelta::hours(25);

    fn entry(id: &str) -> Entry {
        Entry { id: id.to_owned(), key: id.to_owned().into(), published_at: None, retired_at: None }
    }

    fn ids(ring: &KeyGenerations) -> Vec<&str> {
        ring.keys().map(|key| key.id.as_str()).collect()
    }

    fn start() -> DateTime<Utc> {
        "2026-01-02T03:04:05Z".parse().expect("a time")
    }

    #[test]
    fn a_key_is_next_then_current_then_previous_and_goes_when_nothing_of_it_can_be_valid() {
        let ring = KeyGenerations { current: entry("a"), next: None, previous: Vec::new() };
        let month = TimeDelta::days(30);
        let ring = ring.rotated(entry("b"), start(), KEEP).expect("published");
        assert_eq!(ids(&ring), ["a", "b"]);
        let ring = ring.rotated(entry("c"), start() + month, KEEP).expect("used");
        assert_eq!(ids(&ring), ["b", "a", "c"]);
        let ring = ring.rotated(entry("d"), start() + month * 2, KEEP).expect("used");
        assert_eq!(ids(&ring), ["c", "b", "d"]);
    }

    #[test]
    fn however_often_someone_rotates_no_key_goes_before_its_time() {
        let (mut ring, mut now) =
            (KeyGenerations { current: entry("0"), next: Some(entry("1")), previous: Vec::new() }, start());
        for n in 2..100 {
            let made_now = ring.current.id.clone();
            now += MARGIN;
            ring = ring.rotated(entry(&n.to_string()), now, KEEP).expect("an hour apart");
            assert!(ids(&ring).contains(&made_now.as_str()));
            // 25 hours: the keys that were retired in the last 25, the current and the next one.
            assert!(ids(&ring).len() <= 27, "{:?}", ids(&ring));
        }
    }

    #[test]
    fn a_key_that_was_published_a_moment_ago_is_not_used() {
        let ring = KeyGenerations { current: entry("a"), next: Some(entry("b")), previous: Vec::new() };
        let ring = ring.rotated(entry("c"), start(), KEEP).expect("b was there before");
        let soon = start() + MARGIN - TimeDelta::microseconds(1);
        assert!(ring.clone().rotated(entry("d"), soon, KEEP).is_err());
        assert!(ring.rotated(entry("d"), start() + MARGIN, KEEP).is_ok());
    }

    #[test]
    fn a_previous_key_of_unknown_age_is_kept_for_a_whole_lifetime_more() {
        let ring = KeyGenerations { current: entry("b"), next: Some(entry("c")), previous: vec![entry("a")] };
        let ring = ring.rotated(entry("d"), start(), KEEP).expect("rotated");
        assert_eq!(ids(&ring), ["c", "b", "a", "d"]);
        let ring = ring.rotated(entry("e"), start() + KEEP, KEEP).expect("rotated");
        assert_eq!(ids(&ring), ["d", "c", "e"]);
    }

    #[test]
    fn what_does_not_follow_from_what_is_current_is_refused() {
        let before =
            KeyGenerations { current: entry("a"), next: Some(entry("b")), previous: vec![entry("z")] };
        let after = before.clone().rotated(entry("c"), start(), KEEP).expect("rotated");
        let refused =
            |after: &KeyGenerations, before: &KeyGenerations, now| after.follows(before, now, KEEP).is_err();
        assert!(!refused(&after, &before, start()));
        assert!(refused(&after, &before, start() + PENDING), "too late");
        assert!(
            refused(&after, &KeyGenerations { next: Some(entry("x")), ..before.clone() }, start()),
            "another heir"
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
