//! Keys in a text, `current,previous…,next`, which is a member of a JSON object.
//!
//! The dates of the keys are in the member of the same name with the suffix `Dates`. Other members are not changed.

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

/// Reads the keys in `member` of `document`.
pub fn parse(kind: Kind, member: &str, document: &str) -> anyhow::Result<KeyGenerations> {
    let dates: BTreeMap<String, Dates> = match object(document)?.remove(&dates_member(member)) {
        Some(dates) => {
            // The error could quote the value.
            serde_json::from_value(dates)
                .map_err(|_| anyhow::anyhow!("the dates of the keys are not valid"))?
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
    // A key without dates was added by hand, and may be an old one.
    let next = previous.pop_if(|key| key.published_at.is_some() && key.retired_at.is_none());
    Ok(KeyGenerations { current, next, previous })
}

/// Returns `document` with `generations` in `member`.
pub fn render(generations: &KeyGenerations, member: &str, document: &str) -> anyhow::Result<String> {
    let mut object = object(document)?;
    let text: Vec<&str> = generations.keys().map(|key| key.key.expose_secret()).collect();
    let dates: BTreeMap<&str, Dates> = generations
        .keys()
        .map(|key| {
            let Entry { published_at, retired_at, .. } = *key;
            (key.id.as_str(), Dates { published_at, retired_at })
        })
        .collect();
    object.insert(member.to_owned(), Value::String(text.join(",")));
    object.insert(dates_member(member), serde_json::to_value(dates)?);
    Ok(serde_json::to_string(&object)?)
}

/// Returns the text in `member` of `document`.
pub fn text(member: &str, document: &str) -> anyhow::Result<String> {
    match object(document)?.remove(member) {
        Some(Value::String(text)) => Ok(text),
        _ => anyhow::bail!("the secret has no text in its member {member}"),
    }
}

/// Returns the other members of `document`, without the keys and their dates.
pub fn other_members(member: &str, document: &str) -> anyhow::Result<Map<String, Value>> {
    let mut object = object(document)?;
    object.remove(member);
    object.remove(&dates_member(member));
    Ok(object)
}

fn dates_member(member: &str) -> String {
    format!("{member}Dates")
}

fn object(document: &str) -> anyhow::Result<Map<String, Value>> {
    // The error could quote the value.
    serde_json::from_str(document).map_err(|_| anyhow::anyhow!("the secret is not a JSON object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_dates_survive_a_round_trip_and_other_members_are_unchanged() {
        let [a, b, c] = ["a", "b", "c"].map(|letter| letter.repeat(32));
        let document = format!(r#"{{"keys":"{a}, {b},{c}","other":"x"}}"#);
        let generations = parse(Kind::Refresh, "keys", &document).expect("keys");
        assert_eq!(generations.keys().map(|key| key.key.expose_secret()).collect::<Vec<_>>(), [&a, &b, &c]);
        let retired = "2026-01-02T03:04:05Z".parse().ok();
        let previous = generations.previous.into_iter().map(|key| Entry { retired_at: retired, ..key });
        let generations = KeyGenerations { previous: previous.collect(), next: None, ..generations };
        let rendered = render(&generations, "keys", &document).expect("a document");
        assert_eq!(
            other_members("keys", &rendered).expect("an object"),
            other_members("keys", &document).expect("an object")
        );
        let again = parse(Kind::Refresh, "keys", &rendered).expect("keys");
        assert!(again.next.is_none());
        assert_eq!(again.previous[0].retired_at, retired);
    }

    #[test]
    fn error_does_not_quote_an_invalid_document() {
        let dated = r#"{"keys":"x","keysDates":"hunter2"}"#;
        for document in
            [dated, "hunter2", r#"{"keys":"hunter2"}"#, r#"{"keys":["hunter2"]}"#, r#"{"hunter2":"x"}"#]
        {
            let error = parse(Kind::Encryption, "keys", document).expect_err("no keys");
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
    }
}
