//! Keys that are a text, `current,previous…,next`, in a member of a JSON object.
//!
//! When each came and went stands beside them, in the member of the same name with `Dates` behind it. What else the object
//! has is left alone.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    generations::{Entry, KeyGenerations},
    kind::Kind,
};

#[derive(Default, Clone, Copy, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Dates {
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<DateTime<Utc>>,
}

/// The keys in `member` of `document`.
pub fn parse(kind: Kind, member: &str, document: &str) -> anyhow::Result<KeyGenerations> {
    let dates: BTreeMap<String, Dates> = match object(document)?.remove(&dates_of(member)) {
        Some(dates) => {
            // What is wrong with them is not repeated either.
            serde_json::from_value(dates).map_err(|_| anyhow::anyhow!("the keys' dates cannot be read"))?
        }
        None => BTreeMap::new(),
    };
    let text = text(member, document)?;
    let mut entries = Vec::new();
    for key in text.split(',').map(str::trim) {
        let id = kind.id(key)?.to_string();
        let Dates { published_at, retired_at } = dates.get(&id).copied().unwrap_or_default();
        entries.push(Entry { id, key: key.to_owned().into(), published_at, retired_at });
    }
    let mut previous = entries.split_off(1);
    let current = entries.pop().map(|key| Entry { retired_at: None, ..key }).context("no key is current")?;
    // One without dates was put there by hand, and may be an old one.
    let next = previous.pop_if(|key| key.published_at.is_some() && key.retired_at.is_none());
    Ok(KeyGenerations { current, next, previous })
}

/// `document` with the keys of `ring` in `member`.
pub fn render(ring: &KeyGenerations, member: &str, document: &str) -> anyhow::Result<String> {
    let mut object = object(document)?;
    let text: Vec<&str> = ring.keys().map(|key| key.key.expose_secret()).collect();
    let dates: BTreeMap<&str, Dates> = ring
        .keys()
        .map(|key| {
            let Entry { published_at, retired_at, .. } = *key;
            (key.id.as_str(), Dates { published_at, retired_at })
        })
        .collect();
    object.insert(member.to_owned(), Value::String(text.join(",")));
    object.insert(dates_of(member), serde_json::to_value(dates)?);
    Ok(serde_json::to_string(&object)?)
}

/// What `member` of `document` says.
pub fn text(member: &str, document: &str) -> anyhow::Result<String> {
    match object(document)?.remove(member) {
        Some(Value::String(text)) => Ok(text),
        _ => anyhow::bail!("it has no text member {member}"),
    }
}

/// What `document` has besides the keys.
pub fn besides(member: &str, document: &str) -> anyhow::Result<Map<String, Value>> {
    let mut object = object(document)?;
    object.remove(member);
    object.remove(&dates_of(member));
    Ok(object)
}

fn dates_of(member: &str) -> String {
    format!("{member}Dates")
}

fn object(document: &str) -> anyhow::Result<Map<String, Value>> {
    // What is wrong with it is not repeated.
    serde_json::from_str(document).map_err(|_| anyhow::anyhow!("it is not a JSON object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_their_dates_are_read_back_and_the_rest_is_left_alone() {
        let [a, b, c] = ["a", "b", "c"].map(|letter| letter.repeat(32));
        let document = format!(r#"{{"keys":"{a}, {b},{c}","other":"x"}}"#);
        let ring = parse(Kind::Refresh, "keys", &document).expect("keys");
        assert_eq!(ring.keys().map(|key| key.key.expose_secret()).collect::<Vec<_>>(), [&a, &b, &c]);
        let retired = "2026-01-02T03:04:05Z".parse().ok();
        let previous = ring.previous.into_iter().map(|key| Entry { retired_at: retired, ..key });
        let ring = KeyGenerations { previous: previous.collect(), next: None, ..ring };
        let rendered = render(&ring, "keys", &document).expect("a document");
        assert_eq!(
            besides("keys", &rendered).expect("an object"),
            besides("keys", &document).expect("an object")
        );
        let again = parse(Kind::Refresh, "keys", &rendered).expect("keys");
        assert!(again.next.is_none());
        assert_eq!(again.previous[0].retired_at, retired);
    }

    #[test]
    fn a_document_that_cannot_be_read_is_not_repeated() {
        let dated = r#"{"keys":"x","keysDates":"hunter2"}"#;
        for document in
            [dated, "hunter2", r#"{"keys":"hunter2"}"#, r#"{"keys":["hunter2"]}"#, r#"{"hunter2":"x"}"#]
        {
            let error = parse(Kind::Encryption, "keys", document).expect_err("no keys");
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
    }
}
