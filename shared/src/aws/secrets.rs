//! Reads secrets from Secrets Manager and caches them.
//!
//! A value is used for [`CACHE_TTL`]; then it is read again. The read is a task of its own: it continues when the request that
//! began it has its response, and later requests find its result. Lambda freezes the task together with the instance, and the next
//! request continues it. A value that is older than the maximum age is not used: requests wait for a read, and fail with it.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use aws_sdk_secretsmanager::Client;
use chrono::{DateTime, Utc};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use metrics::histogram;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout},
};

use crate::{
    aws::client,
    config::{Address, Credentials, Secret, SecretRef, Setting},
    domain::clock::{Clock, SystemClock},
    error::Unavailable,
};

/// The time for which a value is used before it is read again.
const CACHE_TTL: Duration = Duration::from_mins(5);
/// The maximum age of a value where no setting says another one. With more, an instance could use keys that do not include the
/// current one: [`CACHE_TTL`] and an outage of 25 minutes are part of the time between two rotations.
const DEFAULT_MAX_AGE: Duration = Duration::from_mins(30);
/// The time for which a request waits for a read while an older value can be used.
const REFRESH_TIMEOUT: Duration = Duration::from_millis(500);
/// The minimum time between two reads of one secret, however often it is renewed.
///
/// A key that is created shortly after a read stays unknown for this time. This is harmless: a key is published one rotation
/// before it is used (`functions/rotate-keys`), which is longer than [`CACHE_TTL`], so every instance has read it by then.
/// Renewing only matters for a secret that was changed by hand.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// Reads settings that may be references to secrets. Cheap to clone; all clones share one cache.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    client: OnceCell<Client>,
    /// By ARN.
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    max_age: Duration,
    clock: Arc<dyn Clock>,
}

/// The cached value of one secret.
#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    cached: Option<CachedSecret>,
    /// The beginning of the last read, successful or not.
    read_at: Option<Instant>,
    /// The read that is running.
    reading: Option<Reading>,
}

/// A read in a task of its own. It writes the value into the slot.
type Reading = Shared<BoxFuture<'static, Result<(), NotRead>>>;

#[derive(Clone)]
struct CachedSecret {
    value: SecretString,
    read_at: Instant,
    /// [`Self::read_at`] by the clock. While Lambda freezes the instance, the time of [`Instant`] may stand still.
    read_at_time: DateTime<Utc>,
}

/// The error of a read, for all requests that wait for it.
#[derive(Debug, Clone)]
struct NotRead(Arc<anyhow::Error>);

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("secret not read")
    }
}

impl Error for NotRead {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.0)
    }
}

impl Default for Secrets {
    /// Reads with the machine's clock and the default maximum age.
    fn default() -> Self {
        Self::new(DEFAULT_MAX_AGE, Arc::new(SystemClock))
    }
}

impl Secrets {
    /// A value that was read `max_age` ago or earlier is not used.
    #[must_use]
    pub fn new(max_age: Duration, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { client: OnceCell::new(), slots: Mutex::default(), max_age, clock }))
    }

    /// Returns the value of `setting`, at most [`CACHE_TTL`] old. While Secrets Manager is slow or unavailable, the last value is
    /// used up to the maximum age.
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
        reference.select(&self.value(reference.arn(), renew).await?)
    }

    async fn value(&self, arn: &str, renew: bool) -> anyhow::Result<SecretString> {
        let slot = {
            let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(arn.to_owned()).or_default())
        };
        let (last, reading, is_own) = {
            let mut state = slot.state();
            let last = state.cached.clone().map(|cached| (self.0.age(&cached), cached.value));
            let has_just_read = state.read_at.is_some_and(|at| at.elapsed() < MIN_REFRESH_INTERVAL);
            let fresh = CACHE_TTL.min(self.0.max_age);
            match &last {
                Some((age, value))
                    if (!renew && *age < fresh) || (has_just_read && *age < self.0.max_age) =>
                {
                    return Ok(Inner::use_last(*age, value.clone()));
                }
                _ => {}
            }
            let (reading, is_own) = self.0.join(&mut state, &slot, arn);
            (last, reading, is_own)
        };
        if let Some((age, value)) = last.clone().filter(|(age, _)| *age < self.0.max_age) {
            // Boxed: rare and large, it would make every request's future large.
            let waited = Box::pin(timeout(REFRESH_TIMEOUT, reading)).await;
            let error = match waited {
                Ok(Ok(())) => return slot.value(),
                Ok(Err(error)) => anyhow::Error::from(error),
                Err(elapsed) => elapsed.into(),
            };
            tracing::warn!(error = format!("{error:#}"), "secret not read again; last value used");
            return Ok(Inner::use_last(age, value));
        }
        let mut read = reading.await;
        if !is_own && (read.is_err() || self.0.is_too_old(&slot)) {
            // Another request began that read, perhaps long ago: Lambda may have frozen the instance since.
            let (again, _) = self.0.join(&mut slot.state(), &slot, arn);
            read = again.await;
        }
        match (read, last) {
            (Ok(()), _) => slot.value(),
            (Err(error), None) => Err(error.into()),
            (Err(error), Some((age, _))) => {
                record_age(age);
                let seconds = age.as_secs();
                Err(error).with_context(|| {
                    format!("the last value of the secret {arn} was read {seconds} s ago, which is too old")
                })
            }
        }
    }
}

impl Inner {
    /// Returns the running read of the secret, or begins one, and whether it did.
    fn join(self: &Arc<Self>, state: &mut State, slot: &Arc<Slot>, arn: &str) -> (Reading, bool) {
        // A read that has ended and is still here has panicked.
        if let Some(reading) = state.reading.as_ref().filter(|reading| reading.peek().is_none()) {
            return (reading.clone(), false);
        }
        state.read_at = Some(Instant::now());
        let (inner, slot, arn) = (Arc::clone(self), Arc::clone(slot), arn.to_owned());
        let task = tokio::spawn(async move {
            let (read_at, read_at_time) = (Instant::now(), inner.clock.now());
            let fetched = inner.fetch(&arn).await;
            let mut state = slot.state();
            state.reading = None;
            state.cached = Some(CachedSecret { value: fetched?, read_at, read_at_time });
            Ok(())
        });
        let reading = task.map(|ended| ended.unwrap_or_else(|panic| Err(panic.into())));
        let reading = reading.map(|read: anyhow::Result<()>| read.map_err(|error| NotRead(Arc::new(error))));
        (state.reading.insert(reading.boxed().shared()).clone(), true)
    }

    fn is_too_old(&self, slot: &Slot) -> bool {
        slot.state().cached.as_ref().is_none_or(|cached| self.age(cached) >= self.max_age)
    }

    /// Returns how long ago `cached` was read, by the clock that says more.
    fn age(&self, cached: &CachedSecret) -> Duration {
        let by_clock = (self.clock.now() - cached.read_at_time).to_std().unwrap_or_default();
        cached.read_at.elapsed().max(by_clock)
    }

    /// Returns `value`, and records its age if it should have been read again.
    fn use_last(age: Duration, value: SecretString) -> SecretString {
        if age >= CACHE_TTL {
            record_age(age);
        }
        value
    }

    async fn fetch(&self, arn: &str) -> anyhow::Result<SecretString> {
        let client = self.client.get_or_init(|| async { Client::new(client::config().await) }).await;
        let started = Instant::now();
        let output = client.get_secret_value().secret_id(arn).version_stage("AWSCURRENT").send().await;
        histogram!("DependencyTime", "dependency" => "secrets").record(started.elapsed().as_secs_f64() * 1e3);
        let output = output.map_err(|error| Unavailable::new("secrets", error))?;
        let value = output.secret_string.ok_or_else(|| anyhow::anyhow!("the secret {arn} has no text"))?;
        Ok(value.into())
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value that was read.
    fn value(&self) -> anyhow::Result<SecretString> {
        self.state().cached.as_ref().map(|cached| cached.value.clone()).context("the read left no value")
    }
}

fn record_age(age: Duration) {
    histogram!("SecretAge").record(age.as_secs_f64());
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
mod tests;
