//! Secrets Manager, asked once per `TTL` and never per request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_secretsmanager::Client;
use metrics::histogram;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{
    sync::{Mutex as AsyncMutex, OnceCell},
    time::{Instant, timeout},
};

use crate::{aws::client, config::Setting, error::Unavailable};

/// How long a value is used before it is read again.
const TTL: Duration = Duration::from_mins(5);
/// How long a request waits for a newer value when there is an older one.
const PATIENCE: Duration = Duration::from_millis(500);
/// The least time between two reads of the same secret, however often someone asks to renew it.
///
/// So a key that is made within this time of a read stays unknown that long. It does not matter: a key is published one
/// whole rotation before it is used (`functions/rotate-keys`), longer than [`TTL`], so what was made with it comes to
/// instances that have read it. Renewing is the second net, for a secret that was changed by hand.
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
        let ["arn", _, "secretsmanager", _, _, "secret", _, rest @ ..] = parts.as_slice() else {
            return None;
        };
        let key = match rest {
            [] => None,
            [key] | [key, "" | "AWSCURRENT"] | [key, "" | "AWSCURRENT", ""] => Some(*key),
            _ => return None,
        };
        let arn = parts[..7].join(":");
        Some(Self { arn, key: key.filter(|key| !key.is_empty()).map(str::to_owned) })
    }

    /// Which secret.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Which member of it; `None` for the whole.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// Reads settings that may be secrets. Cheap to clone; all clones share one cache.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Inner>);

#[derive(Default)]
struct Inner {
    client: OnceCell<Client>,
    /// One lock per secret, so that different ones are read at once, and each by one reader only.
    known: Mutex<HashMap<String, Arc<AsyncMutex<Option<Known>>>>>,
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

    /// The value of `setting` read again, because the last one did not work; at most once in [`LEAST`].
    pub async fn renew(&self, setting: &Setting) -> anyhow::Result<Secret> {
        self.read(setting, true).await
    }

    /// [`Secrets::renew`] or [`Secrets::get`].
    pub(crate) async fn read(&self, setting: &Setting, renew: bool) -> anyhow::Result<Secret> {
        let reference = match setting {
            Setting::Plain(value) => return Ok(Secret(value.clone())),
            Setting::Secret(reference) => reference,
            Setting::Absent(name) => anyhow::bail!("{name} is not set"),
        };
        let slot = {
            let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(reference.arn.clone()).or_default())
        };
        let mut slot = slot.lock().await;
        let now = Instant::now();
        if let Some(known) = slot.as_mut() {
            if now < known.asked + LEAST || (!renew && now < known.fresh_until) {
                return reference.select(&known.value);
            }
            // Before the call, so that one that is dropped midway counts too.
            known.asked = now;
        }
        let patience = if slot.is_some() { PATIENCE } else { TTL };
        // Boxed: rare, and so large that the future of every request would be.
        let fetched = Box::pin(timeout(patience, self.fetch(&reference.arn)));
        let fetched = fetched.await.unwrap_or_else(|late| Err(late.into()));
        match (fetched, slot.as_ref()) {
            (Ok(value), _) => {
                let known = slot.insert(Known { value, asked: now, fresh_until: now + TTL });
                reference.select(&known.value)
            }
            (Err(error), Some(known)) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "secret not read again; the last value serves on"
                );
                reference.select(&known.value)
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn fetch(&self, arn: &str) -> anyhow::Result<SecretString> {
        let client = self.0.client.get_or_init(|| async { Client::new(client::config().await) }).await;
        let started = Instant::now();
        let output = client.get_secret_value().secret_id(arn).version_stage("AWSCURRENT").send().await;
        histogram!("DependencyTime", "dependency" => "secrets").record(started.elapsed().as_secs_f64() * 1e3);
        let output = output.map_err(|error| Unavailable::new("secrets", error))?;
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

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

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
