//! Secrets Manager: reads each secret once per `TTL`, not once per request.

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

use crate::{
    aws::client,
    config::{Address, Credentials, Secret, SecretRef, Setting},
    error::Unavailable,
};

/// The time for which a value is cached.
const TTL: Duration = Duration::from_mins(5);
/// The timeout of reading a secret again while an older value is cached.
const REFRESH_TIMEOUT: Duration = Duration::from_millis(500);
/// The minimum time between two reads of the same secret, also if it is renewed.
///
/// For this time, a new key stays unknown to an instance that has just read the secret. That does no harm: a key is published one
/// whole rotation before it is used (`functions/rotate-keys`), longer than [`TTL`]. Renewing is only for a secret that was changed by hand.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// Reads settings that may be secrets. Cheap to clone; all clones share one cache.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Inner>);

#[derive(Default)]
struct Inner {
    client: OnceCell<Client>,
    /// One lock per secret: different secrets are read at the same time, and each one by one reader only.
    known: Mutex<HashMap<String, Arc<AsyncMutex<Option<CachedSecret>>>>>,
}

struct CachedSecret {
    value: SecretString,
    asked: Instant,
    fresh_until: Instant,
}

impl Secrets {
    /// Returns the value of `setting`, at most [`TTL`] old. While Secrets Manager is unavailable, returns the last value.
    pub async fn get(&self, setting: &Setting) -> anyhow::Result<Secret> {
        self.read(setting, false).await
    }

    /// Reads the value of `setting` again, because the last one was refused; at most once per [`MIN_REFRESH_INTERVAL`].
    pub async fn renew(&self, setting: &Setting) -> anyhow::Result<Secret> {
        self.read(setting, true).await
    }

    /// Returns the complete URL of `address`, its parts read as by [`Secrets::get`].
    pub async fn resolve(&self, address: &Address) -> anyhow::Result<Secret> {
        self.complete(address, false).await
    }

    /// Returns the complete URL of `address`, its parts read as by [`Secrets::renew`], because the last URL was refused.
    pub async fn resolve_again(&self, address: &Address) -> anyhow::Result<Secret> {
        self.complete(address, true).await
    }

    async fn complete(&self, address: &Address, renew: bool) -> anyhow::Result<Secret> {
        let url = self.read(address.url(), renew).await?;
        let Some(setting) = address.credentials() else { return Ok(url) };
        Self::parse(setting, &self.read(setting, renew).await?)?.complete(&url)
    }

    /// Returns the credentials that `setting` holds, read as by [`Secrets::get`].
    pub async fn credentials(&self, setting: &Setting) -> anyhow::Result<Credentials> {
        Self::parse(setting, &self.get(setting).await?)
    }

    fn parse(setting: &Setting, text: &str) -> anyhow::Result<Credentials> {
        Credentials::parse(text).map_err(|problem| match setting {
            Setting::Secret(reference) => anyhow::anyhow!("the secret {} {problem}", reference.arn()),
            _ => anyhow::anyhow!("the credentials given as a value: {problem}"),
        })
    }

    /// Reads a setting: as [`Secrets::renew`] if `renew`, otherwise as [`Secrets::get`].
    pub(crate) async fn read(&self, setting: &Setting, renew: bool) -> anyhow::Result<Secret> {
        let reference = match setting {
            Setting::Plain(value) => return Ok(value.clone().into()),
            Setting::Secret(reference) => reference,
            Setting::Absent(name) => anyhow::bail!("{name} is not set"),
        };
        let slot = {
            let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(reference.arn().to_owned()).or_default())
        };
        let mut slot = slot.lock().await;
        let now = Instant::now();
        if let Some(known) = slot.as_mut() {
            if now < known.asked + MIN_REFRESH_INTERVAL || (!renew && now < known.fresh_until) {
                return reference.select(&known.value);
            }
            // Before the call, so that a call that is dropped counts too.
            known.asked = now;
        }
        let limit = if slot.is_some() { REFRESH_TIMEOUT } else { TTL };
        // Boxed: rare, and so large that it would make every request's future large.
        let fetched = Box::pin(timeout(limit, self.fetch(reference.arn())));
        let fetched = fetched.await.unwrap_or_else(|late| Err(late.into()));
        match (fetched, slot.as_ref()) {
            (Ok(value), _) => {
                let known = slot.insert(CachedSecret { value, asked: now, fresh_until: now + TTL });
                reference.select(&known.value)
            }
            (Err(error), Some(known)) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "secret not read again; the last value is used"
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
        let Some(key) = self.member() else { return Ok(document.clone().into()) };
        let mut members: HashMap<String, Value> = serde_json::from_str(document.expose_secret())
            .map_err(|_| anyhow::anyhow!("the secret {} is not a JSON object", self.arn()))?;
        match members.remove(key) {
            Some(Value::String(value)) => Ok(value.into()),
            _ => anyhow::bail!("the secret {} has no text member {key}", self.arn()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_its_url_with_the_credentials_in_it() {
        let secrets = Secrets::default();
        let alone = Address::from(Setting::read("redis://:old@cache.example"));
        assert_eq!(&*secrets.resolve(&alone).await.expect("a URL"), "redis://:old@cache.example");
        let setting = Setting::read(r#"{ "password": "new" }"#);
        let both = Address::new(Setting::read("redis://cache.example"), Some(setting));
        for url in [secrets.resolve(&both).await, secrets.resolve_again(&both).await] {
            assert_eq!(&*url.expect("a URL"), "redis://:new@cache.example");
        }
    }
}
