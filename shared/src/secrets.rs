//! Secrets Manager, asked once per `TTL` and never per request.

use std::{
    collections::HashMap,
    sync::Arc,
    time::Duration,
};

use aws_sdk_secretsmanager::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use crate::{config::Setting, error::Unavailable, outside::aws};

/// How long a value is used before it is read again.
const TTL: Duration = Duration::from_mins(5);
/// The least time between two reads of the same secret, however often someone asks to renew it.
const LEAST: Duration = Duration::from_secs(10);

/// A secret, by its ARN and, if it is a JSON document, the member to take from it.
///
/// Written the way Amazon ECS writes it in `valueFrom`: `<ARN>:<json-key>:<version-stage>:<version-id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    arn: String,
    key: Option<String>,
}

impl SecretRef {
    /// Reads a reference; `None` if `raw` is not the ARN of a secret.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let parts: Vec<&str> = raw.split(':').collect();
        let ["arn", _, "secretsmanager", _, _, "secret", _, rest @ ..] = parts.as_slice() else { return None };
        let key = match rest {
            [] => None,
            [key] | [key, "" | "AWSCURRENT"] | [key, "" | "AWSCURRENT", ""] => Some(*key),
            _ => return None,
        };
        let arn = parts[..7].join(":");
        Some(Self { arn, key: key.filter(|key| !key.is_empty()).map(str::to_owned) })
    }
}

/// Reads settings that may be secrets. Cheap to clone; all clones share one cache.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<Cache>>);

#[derive(Default)]
struct Cache {
    client: Option<Client>,
    known: HashMap<String, Known>,
}

struct Known {
    value: SecretString,
    asked: Instant,
    fresh_until: Instant,
}

impl Secrets {
    /// The value of `setting`, at most [`TTL`] old. While Secrets Manager is away, the last known value serves on.
    pub async fn get(&self, setting: &Setting) -> anyhow::Result<Secret> {
        self.read(setting, false).await
    }

    /// The value of `setting` read again, because the last one did not work.
    pub async fn renew(&self, setting: &Setting) -> anyhow::Result<Secret> {
        self.read(setting, true).await
    }

    async fn read(&self, setting: &Setting, renew: bool) -> anyhow::Result<Secret> {
        let reference = match setting {
            Setting::Plain(value) => return Ok(Secret(value.clone())),
            Setting::Secret(reference) => reference,
            Setting::Absent(name) => anyhow::bail!("{name} is not set"),
        };
        let mut cache = self.0.lock().await;
        let now = Instant::now();
        let fresh = cache
            .known
            .get(&reference.arn)
            .is_some_and(|known| now < known.asked + LEAST || (!renew && now < known.fresh_until));
        if !fresh {
            match (cache.fetch(&reference.arn).await, cache.known.get_mut(&reference.arn)) {
                (Ok(value), _) => {
                    let known = Known { value, asked: now, fresh_until: now + TTL };
                    cache.known.insert(reference.arn.clone(), known);
                }
                (Err(error), Some(known)) => {
                    known.asked = now;
                    tracing::warn!(error = format!("{error:#}"), "secret not read again; the last value serves on");
                }
                (Err(error), None) => return Err(error),
            }
        }
        reference.select(&cache.known[&reference.arn].value)
    }
}

impl Cache {
    async fn fetch(&mut self, arn: &str) -> anyhow::Result<SecretString> {
        if self.client.is_none() {
            self.client = Some(Client::new(aws::config().await));
        }
        let client = self.client.as_ref().ok_or_else(|| anyhow::anyhow!("no client"))?;
        let output = client
            .get_secret_value()
            .secret_id(arn)
            .send()
            .await
            .map_err(|error| Unavailable::new("secrets", error))?;
        let value = output.secret_string.ok_or_else(|| anyhow::anyhow!("the secret {arn} has no text"))?;
        Ok(value.into())
    }
}

impl SecretRef {
    fn select(&self, document: &SecretString) -> anyhow::Result<Secret> {
        let Some(key) = &self.key else { return Ok(Secret(document.clone())) };
        let mut members: HashMap<String, Value> = serde_json::from_str(document.expose_secret())
            .map_err(|_| anyhow::anyhow!("the secret {} is not a JSON object", self.arn))?;
        match members.remove(key) {
            Some(Value::String(value)) => Ok(Secret(value.into())),
            _ => anyhow::bail!("the secret {} has no text member {key}", self.arn),
        }
    }
}

/// A secret's value, for as long as it is needed.
pub struct Secret(SecretString);

impl std::ops::Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Secret {
    /// The value, to be handed to a parser.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/production/auth-AbCdEf";

    #[test]
    fn references_are_written_as_ecs_writes_them() {
        let whole = SecretRef { arn: ARN.to_owned(), key: None };
        let member = SecretRef { arn: ARN.to_owned(), key: Some("url".to_owned()) };
        assert_eq!(SecretRef::parse(ARN), Some(whole));
        assert_eq!(SecretRef::parse(&format!("{ARN}:url::")), Some(member));
        for not in ["", "postgresql://u:p@h/d", "arn:aws:s3:::bucket", &format!("{ARN}:url:AWSPREVIOUS:")] {
            assert_eq!(SecretRef::parse(not), None, "{not}");
        }
    }
}
