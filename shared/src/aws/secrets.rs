//! Reads secrets from Secrets Manager and caches them.

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

/// How long a value is used before it is read again.
const CACHE_TTL: Duration = Duration::from_mins(5);
/// The timeout of a read while an older value can be used.
const REFRESH_TIMEOUT: Duration = Duration::from_millis(500);
/// The minimum time between two reads of one secret, however often it is renewed.
///
/// A key that is created shortly after a read stays unknown for this time. This is harmless: a key is published one rotation
/// before it is used (`functions/rotate-keys`), which is longer than [`CACHE_TTL`], so every instance has read it by then.
/// Renewing only matters for a secret that was changed by hand.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// Reads settings that may be references to secrets. Cheap to clone; all clones share one cache.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Inner>);

#[derive(Default)]
struct Inner {
    client: OnceCell<Client>,
    /// By ARN. One lock per secret: different secrets are read concurrently, one secret by one reader.
    cached: Mutex<HashMap<String, Arc<AsyncMutex<Option<CachedSecret>>>>>,
}

struct CachedSecret {
    value: SecretString,
    /// The time of the last read, successful or not.
    read_at: Instant,
    fresh_until: Instant,
}

impl Secrets {
    /// Returns the value of `setting`, at most [`CACHE_TTL`] old. While Secrets Manager is unavailable, the last value is used.
    pub async fn get(&self, setting: &Setting) -> anyhow::Result<Secret> {
        self.read(setting, false).await
    }

    /// Reads the value of `setting` again, because the last one did not work; at most once per [`MIN_REFRESH_INTERVAL`].
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
        Self::parse_credentials(setting, &self.read(setting, renew).await?)?.complete(&url)
    }

    /// Returns the credentials in `setting`, read as by [`Secrets::get`].
    pub async fn credentials(&self, setting: &Setting) -> anyhow::Result<Credentials> {
        Self::parse_credentials(setting, &self.get(setting).await?)
    }

    fn parse_credentials(setting: &Setting, text: &str) -> anyhow::Result<Credentials> {
        Credentials::parse(text).map_err(|problem| match setting {
            Setting::Secret(reference) => anyhow::anyhow!("the secret {} {problem}", reference.arn()),
            _ => anyhow::anyhow!("the credentials given as a value: {problem}"),
        })
    }

    /// Reads `setting` as [`Secrets::renew`] does if `renew`, otherwise as [`Secrets::get`] does.
    pub(crate) async fn read(&self, setting: &Setting, renew: bool) -> anyhow::Result<Secret> {
        let reference = match setting {
            Setting::Plain(value) => return Ok(value.clone().into()),
            Setting::Secret(reference) => reference,
            Setting::Absent(name) => anyhow::bail!("{name} is not set"),
        };
        let slot = {
            let mut cached = self.0.cached.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cached.entry(reference.arn().to_owned()).or_default())
        };
        let mut slot = slot.lock().await;
        let now = Instant::now();
        if let Some(cached) = slot.as_mut() {
            if now < cached.read_at + MIN_REFRESH_INTERVAL || (!renew && now < cached.fresh_until) {
                return reference.select(&cached.value);
            }
            // Before the call, so that a call whose future is dropped counts too.
            cached.read_at = now;
        }
        let limit = if slot.is_some() { REFRESH_TIMEOUT } else { CACHE_TTL };
        // Boxed: rare and large, it would make every request's future large.
        let fetched = Box::pin(timeout(limit, self.fetch(reference.arn())));
        let fetched = fetched.await.unwrap_or_else(|elapsed| Err(elapsed.into()));
        match (fetched, slot.as_ref()) {
            (Ok(value), _) => {
                let cached = slot.insert(CachedSecret { value, read_at: now, fresh_until: now + CACHE_TTL });
                reference.select(&cached.value)
            }
            (Err(error), Some(cached)) => {
                tracing::warn!(error = format!("{error:#}"), "secret not read again; last value used");
                reference.select(&cached.value)
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
